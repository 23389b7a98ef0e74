"""The runs that the page can show: the one that ships with a corpus, and those made since."""

import threading
from datetime import datetime
from pathlib import Path

from core.errors import EvaluationError
from core.settings import PROJECT_ROOT
from core.storage import Stamp, folder_stamp
from eval import run_files
from eval.rebuild import SUMMARY_FILE
from eval.report_data import Run, read_run
from eval.run_files import RUN_FILE, RunInfo

#: The name of the run that ships with a corpus; others are named by their folder.
SHIPPED = "shipped"
_SHIPPED_RUNS = PROJECT_ROOT / "eval" / "shipped"
#: Runs kept in memory: some 10 MB each.
_KEPT = 4


class Runs:
    """Finds and reads runs; one that did not change is read once."""

    def __init__(self, state: Path | None) -> None:
        """Look in `state`, too; without it only shipped runs are shown, as strangers see them."""
        self._state = state
        self._reading = threading.Lock()
        self._read: dict[Path, tuple[Stamp, Run]] = {}

    def choices(self, corpus: str) -> list[tuple[str, str]]:
        """What can be looked at of a corpus: a label and a name each, the newest run first."""
        found = [
            (f"{started_at(info)} · {info.n} questions · {len(info.arms)} arms", folder.name)
            for info, folder in runs_of(self._state, corpus, finished=True)
        ]
        shipped = _SHIPPED_RUNS / corpus
        if (shipped / SUMMARY_FILE).is_file():
            found.append(("The shipped run", SHIPPED))
        return found

    def first(self, corpus: str) -> str | None:
        """The run that is shown at first: the shipped one where there is one."""
        names = [name for _, name in self.choices(corpus)]
        return SHIPPED if SHIPPED in names else next(iter(names), None)

    def read(self, corpus: str, name: str | None) -> Run:
        """Read a run of a corpus by the name that `choices` gave it.

        :raises EvaluationError: when there is no such run, or it cannot be read.
        """
        if name not in [known for _, known in self.choices(corpus)]:
            raise EvaluationError(
                f"There is no run of {corpus} to show here: start one, or choose another domain."
                if name is None
                else "That run is not there any more: choose another one."
            )
        if name == SHIPPED or self._state is None:
            folder = _SHIPPED_RUNS / corpus
        else:
            folder = self._state / "runs" / name
        with self._reading:
            stamp = folder_stamp(folder)
            if folder not in self._read or self._read[folder][0] != stamp:
                run = read_run(folder)
                self._read.pop(folder, None)
                while len(self._read) >= _KEPT:
                    del self._read[next(iter(self._read))]
                self._read[folder] = (stamp, run)
            return self._read[folder][1]


def runs_of(state: Path | None, corpus: str, *, finished: bool) -> list[tuple[RunInfo, Path]]:
    """Find the runs of a corpus in a state folder, the newest first; damaged ones are left out.

    :param finished: those with a summary, or those that can be gone on with.
    """
    found = []
    for file in (state / "runs").glob(f"*/{RUN_FILE}") if state else ():
        if (file.parent / SUMMARY_FILE).is_file() != finished:
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
