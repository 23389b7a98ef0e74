"""What the page lets train: one process at a time, told apart from who looks at it.

Each job is the project's own command in a process of its own, so the page stays responsive and its
model is not held. Its log and how it ended lie in the state folder, so a reload, a second visitor
and a page that was started anew see the same. A job outlives the page, and what the terminal began
is seen as well.
"""

import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import ProjectError, TrainingError
from core.settings import PROJECT_ROOT
from core.storage import write_json
from sft.adapters import check_adapter_name
from sft.one_training import going_on
from sft.run_folder import RunFolder, now
from workbench import Workbench

_log = logging.getLogger(__name__)

Kind = Literal["train", "resume", "tune", "forgetting"]
_DOING: dict[Kind, str] = {
    "train": "A training of {corpus} is",
    "resume": "A training of {corpus} is",
    "tune": "The tuning of {corpus} is",
    "forgetting": "Measuring what an adapter of {corpus} forgot is",
}
#: A training yields to the page's answers where both want the same processors.
_NICE = 10
#: Bytes of a log that are read from its end.
_TAIL = 24_000
#: What Typer and Python print before a job's own words, of which a page has no use.
_NOISE = re.compile(r"^(Loading weights|\s*\d+%\|)")


@dataclass(frozen=True)
class Going:
    """What is going on: by the page or in a terminal."""

    kind: Kind
    #: The corpus's name; empty where it is not known yet.
    corpus: str
    since: str
    #: The run's name once it has one.
    run: str = ""
    #: Whether this page started it, and so can end it.
    own: bool = False


class Trainings:
    """Starts, stops and follows the jobs; made once a page."""

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._going: Going | None = None
        #: What was ended because somebody wanted it: that is no failure.
        self._ended: subprocess.Popen[bytes] | None = None
        self.runs = workbench.state / "runs"
        self._folder = workbench.state / "page-jobs"

    # Following

    def going(self) -> Going | None:
        """Say what is going on; None when nothing is."""
        run = going_on(self.runs)
        process, own = self._process, self._going
        if own is not None and process is not None and process.poll() is None:
            return Going(own.kind, own.corpus, own.since, run or "", own=True)
        if run is None:
            return None
        if run.startswith("tune-"):
            return Going("tune", run.removeprefix("tune-"), "", run)
        try:
            record = RunFolder(self.runs / run).record()
        except TrainingError:  # it has only just begun
            return Going("train", "", "", run)
        return Going("train", record.corpus, record.started, run)

    def log(self, corpus: str) -> str:
        """Return the end of the log of a corpus's last job that the page started."""
        try:
            with open(self._log_file(corpus), "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            return ""
        # A bar of progress is written over itself; its last state is what is to be read.
        lines = [line.rpartition("\r")[2] for line in text.split("\n")]
        return "\n".join(line for line in lines if line.strip() and not _NOISE.match(line))

    def failure(self, corpus: str) -> str:
        """Say why the last job of a corpus that the page started failed; empty when it did not."""
        try:
            ended = json.loads(self._job_file(corpus).read_text(encoding="utf-8"))
            if not ended.get("code"):
                return ""
        except (OSError, ValueError, AttributeError):
            return ""
        lines = self.log(corpus).splitlines()
        said = next((one for one in reversed(lines) if one.startswith("error: ")), "")
        if said:
            return said.removeprefix("error: ")
        if ended["code"] < 0:
            return f"The process was ended by signal {-ended['code']}; its log says how far it was."
        return "It ended by an error inside; its log says which."

    # Starting

    def train(self, reference: str, changes: Sequence[str], *, name: str, forgetting: bool) -> None:
        """Begin a training in the background.

        :param changes: of the recipe, as KEY=VALUE; they are checked already.
        :param name: the adapter's; empty for the run's own.
        :raises ProjectError: when something is going on, or the name cannot be used.
        """
        check_adapter_name(name or None)
        taken = [one.manifest.name for one in self.workbench.adapters(reference)]
        if name in taken:
            raise TrainingError(
                f"There is an adapter {name!r} already: choose another name, or remove that one."
            )
        self._start("train", reference, [
            *_set(changes), *(["--out", name] if name else []),
            "--forgetting" if forgetting else "--no-forgetting",
        ])  # fmt: skip

    def resume(self, reference: str) -> None:
        """Go on with the newest run of a corpus that was broken off."""
        if self.workbench.unfinished(reference) is None and self.going() is None:
            raise TrainingError("There is no broken-off training of this corpus to go on with.")
        self._start("resume", reference, ["--resume"])

    def tune(self, reference: str, changes: Sequence[str], *, trials: int, restart: bool) -> None:
        """Begin trying recipes, or go on with it, until so many trials are done."""
        arguments = ["--trials", str(trials), *_set(changes), *(["--restart"] if restart else [])]
        self._start("tune", reference, arguments)

    def measure(self, reference: str, adapter: str) -> None:
        """Begin measuring what an adapter forgot."""
        self.workbench.adapter(reference, adapter)
        self._start("forgetting", reference, ["--adapter", adapter])

    def stop(self) -> str:
        """Stop what is going on, and say what becomes of it.

        :raises ProjectError: when nothing is going on, or this page cannot stop it.
        """
        going = self.going()
        if going is None:
            raise TrainingError("Nothing is going on, so there is nothing to stop.")
        if going.kind in ("train", "resume") and going.run:
            try:
                self.workbench.stop()
            except ProjectError:
                if not going.own:
                    raise
            else:
                return "It stops after its current step and keeps its best weights."
        if self._process is None or not going.own:
            raise TrainingError(
                f"{self._said(going)} Another process began it: stop it where it runs."
            )
        self._ended = self._process
        self._process.terminate()
        if going.kind == "tune":
            return "It stops; the trials so far are kept, and starting again goes on from them."
        return "It is stopped; an adapter that was made already is kept."

    def _start(self, kind: Kind, reference: str, arguments: Sequence[str]) -> None:
        command = "train" if kind == "resume" else kind
        corpus = self.workbench.corpus(reference)
        with self._starting:
            going = self.going()
            if going is not None:
                raise TrainingError(
                    f"{self._said(going)} Only one runs at a time: wait for it, or stop it."
                )
            self._folder.mkdir(parents=True, exist_ok=True)
            write_json(self._job_file(corpus.name), {"kind": kind, "started": now()})
            with open(self._log_file(corpus.name), "wb") as log:
                # By its file rather than by `-m`: found from whatever folder the page runs in.
                process = subprocess.Popen(
                    [sys.executable, str(PROJECT_ROOT / "cli.py"), command, reference, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C ends the page, not hours of training
                )
            if hasattr(os, "setpriority"):
                os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
            self._process, self._going = process, Going(kind, corpus.name, now(), own=True)
        threading.Thread(target=self._wait, args=[process, kind, corpus.name], daemon=True).start()

    def _wait(self, process: subprocess.Popen[bytes], kind: Kind, corpus: str) -> None:
        code = process.wait()
        if process is self._ended:
            code = 0
        try:
            write_json(self._job_file(corpus), {"kind": kind, "ended": now(), "code": code})
        except ProjectError as error:
            _log.warning("%s", error)

    def _said(self, going: Going) -> str:
        since = f" since {going.since[:16].replace('T', ' ')} UTC" if going.since else ""
        doing = _DOING[going.kind].format(corpus=going.corpus or "a corpus")
        run = RunFolder(self.runs / going.run) if going.run else None
        far = f" ({run.progress()})" if run and run.path.is_dir() else ""
        return f"{doing} going on{since}{far}."

    def _log_file(self, corpus: str) -> Path:
        return self._folder / f"{corpus}.log"

    def _job_file(self, corpus: str) -> Path:
        return self._folder / f"{corpus}.json"


def _set(changes: Sequence[str]) -> list[str]:
    return [part for change in changes for part in ("--set", change)]
