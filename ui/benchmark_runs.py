"""The runs that Benchmark shows, kept in memory, and those that can be gone on with."""

import threading
from datetime import datetime
from pathlib import Path

from core.errors import EvaluationError
from core.storage import Stamp, folder_stamp
from eval import run_files
from eval.rebuild import SUMMARY_FILE
from eval.report_data import Run, read_run
from eval.run_files import RUN_FILE, RunInfo
from ui.run_offers import offers

#: Runs kept in memory: some 10 MB each.
_KEPT = 4


class Runs:
    """Reads runs; one that did not change is read once."""

    def __init__(self, runs: Path | None) -> None:
        """Offer a folder's runs, too; without it only those that ship, as strangers see them."""
        self._runs = runs
        self._reading = threading.Lock()
        self._read: dict[Path, tuple[Stamp, Run]] = {}

    def choices(self, corpus: str) -> list[tuple[str, str]]:
        """What can be looked at of a corpus: a label and a name each; see `ui.run_offers`."""
        return [(one.label, one.name) for one in offers(corpus, self._runs)]

    def first(self, corpus: str) -> str | None:
        """The run that is shown at first; None where there is none."""
        return next((name for _, name in self.choices(corpus)), None)

    def read(self, corpus: str, name: str | None) -> Run:
        """Read a run of a corpus by the name that `choices` gave it.

        :raises EvaluationError: when there is no such run, or it cannot be read.
        """
        folders = {one.name: one.folder for one in offers(corpus, self._runs)}
        if name not in folders:
            raise EvaluationError(
                f"There is no run of {corpus} to show here: choose another domain."
                if name is None
                else "That run is not there any more: choose another one."
            )
        folder = folders[name]
        with self._reading:
            stamp = folder_stamp(folder)
            if folder not in self._read or self._read[folder][0] != stamp:
                run = read_run(folder)
                self._read.pop(folder, None)
                while len(self._read) >= _KEPT:
                    del self._read[next(iter(self._read))]
                self._read[folder] = (stamp, run)
            return self._read[folder][1]


def unfinished_runs(runs: Path, corpus: str) -> list[tuple[RunInfo, Path]]:
    """Find a corpus's runs that were broken off, the newest first; damaged ones are left out."""
    found = []
    for file in runs.glob(f"*/{RUN_FILE}"):
        if (file.parent / SUMMARY_FILE).is_file():
            continue
        try:
            info = run_files.read_run(file.parent)
        except EvaluationError:
            continue  # a damaged run beside good ones must not close the page
        if info.corpus == corpus:
            found.append((info, file.parent))
    return sorted(found, key=lambda one: (one[0].started, one[1].name), reverse=True)


def started_at(info: RunInfo) -> str:
    """Say when a run was begun, to the minute, in UTC as it is kept."""
    try:
        return datetime.fromisoformat(info.started).strftime("%d %b %Y, %H:%M")
    except ValueError:
        return info.started
