"""A run's folder: what the run is, its curve, its checkpoints and its result.

recipe.json     the whole recipe
job.json        corpus, base, name and row counts (`RunRecord`)
curve.jsonl     a row for each logged step; what happened to the run has an `event` key
checkpoints/    what a killed run goes on from; gone when it has ended
result.json     how it ended; a run without one is unfinished
stop            put there by whoever wants the run to end after its current step
"""

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from core.errors import TrainingError
from core.prompts import PROMPT_VERSION
from core.storage import append_line, read_lines, write_json, write_text
from sft.manifest import TrainedOn
from sft.processes import is_main
from sft.recipe import Recipe

_RECIPE, _RECORD, _CURVE, _RESULT, _STOP = (
    "recipe.json", "job.json", "curve.jsonl", "result.json", "stop"
)  # fmt: skip
_CHECKPOINTS = "checkpoints"


class RunRecord(TrainedOn):
    """What a run is about, so that it can be gone on with or refused."""

    #: When it was begun, in UTC.
    started: str
    rows: int
    validation_rows: int
    #: How many rows there were of each kind, and how many were too long to train on.
    row_counts: dict[str, int] = Field(default_factory=dict)
    left_out: int = 0
    #: Fingerprint of the general prompts that it is held to its base by; empty where it is not.
    general: str = ""


class RunFolder:
    """Paths and files of one run; only the main process of several writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.curve, self.checkpoints = path / _CURVE, path / _CHECKPOINTS

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def finished(self) -> bool:
        """Whether it has ended: as planned, stopped, or by diverging."""
        return (self.path / _RESULT).is_file()

    @property
    def stop_asked(self) -> bool:
        """Whether somebody wants it to stop."""
        return (self.path / _STOP).exists()

    def forget_stop(self) -> None:
        """Take back a wish to stop, when a run is gone on with."""
        (self.path / _STOP).unlink(missing_ok=True)

    def begin(self, recipe: Recipe, record: RunRecord) -> None:
        """Write down what the run is about; `job.json` comes last and makes it a run."""
        if is_main():
            for name in (_CURVE, _RESULT, _STOP):  # of another run that had this name
                (self.path / name).unlink(missing_ok=True)
            write_json(self.path / _RECIPE, recipe.model_dump(mode="json"))
            write_json(self.path / _RECORD, record.model_dump(mode="json"))

    def end(self, result: dict[str, Any]) -> None:
        """Write down how it ended."""
        if is_main():
            write_json(self.path / _RESULT, result)

    def remove_checkpoints(self) -> None:
        """Delete what only an unfinished run needs."""
        if is_main():
            shutil.rmtree(self.checkpoints, ignore_errors=True)

    def record(self) -> RunRecord:
        """Read what the run is about.

        :raises TrainingError: when its files cannot be read.
        """
        try:
            text = (self.path / _RECORD).read_text(encoding="utf-8")
            return RunRecord.model_validate_json(text)
        except (OSError, ValueError) as error:
            raise self._damaged(_RECORD) from error

    def recipe(self) -> Recipe:
        """Read the run's recipe.

        :raises TrainingError: when it cannot be read.
        """
        try:
            return Recipe.model_validate_json((self.path / _RECIPE).read_text(encoding="utf-8"))
        except (OSError, ValidationError, UnicodeDecodeError) as error:
            raise self._damaged(_RECIPE) from error

    def note(self, event: str, facts: Mapping[str, Any]) -> None:
        """Add what happened to the curve's file, apart from its rows by the `event` key."""
        if is_main():
            append_line(self.curve, {"event": event, "time": now(), **facts})

    def progress(self) -> str:
        """Say how far it is, from the last line that has a step."""
        step = steps = 0
        if self.curve.is_file():
            for line in read_lines(self.curve):
                step, steps = line.get("step", step), line.get("steps", steps)
        return f"step {step} of {steps}" if steps else "no step yet"

    def check_goes_on(
        self, *, corpus_fingerprint: str, base_fingerprint: str, general: str = ""
    ) -> None:
        """Refuse to go on with a run whose corpus, base or prompts are no longer the same.

        :raises TrainingError: says which changed.
        """
        record = self.record()
        for what, then, at_present in (
            (f"the corpus {record.corpus}", record.corpus_fingerprint, corpus_fingerprint),
            ("the base model", record.base_fingerprint, base_fingerprint),
            ("the program's prompts", record.prompt_version, PROMPT_VERSION),
            ("what holds it to its base", record.general, general),
        ):
            if then != at_present:
                raise TrainingError(
                    f"The run {self.name} cannot go on: {what} changed since it began. "
                    "Train anew without --resume."
                )

    def _damaged(self, file: str) -> TrainingError:
        return TrainingError(
            f"The run {self.name} cannot go on: its {file} cannot be read. "
            "Train anew without --resume."
        )


def request_stop(run_folder: Path) -> None:
    """Ask a run to stop after its current step and to keep its best weights.

    :raises TrainingError: when there is no such run, or it has ended.
    """
    if not (run_folder / _RECORD).is_file():
        raise TrainingError(f"There is no run {run_folder.name} to stop.")
    if RunFolder(run_folder).finished:
        raise TrainingError(f"The run {run_folder.name} has ended already.")
    write_text(run_folder / _STOP, "")


def unfinished_runs(runs: Path, corpus: str) -> list[RunFolder]:
    """Runs of a corpus that were begun and have no result, the newest first."""
    found = []
    for path in runs.glob(f"*/{_RECORD}"):
        run = RunFolder(path.parent)
        if run.finished:
            continue
        try:
            record = run.record()
        except TrainingError:  # damaged: nothing can go on from it
            continue
        if record.corpus == corpus:
            found.append((record.started, run.name, run))
    return [run for _, _, run in sorted(found, reverse=True, key=lambda one: one[:2])]


def remove_leftovers(runs: Path) -> None:
    """Delete the checkpoints of runs that ended and were killed before they could."""
    for path in runs.glob(f"*/{_RESULT}"):
        RunFolder(path.parent).remove_checkpoints()


def read_curve(path: Path) -> list[dict[str, float]]:
    """The rows of a curve's file, without its events; can be read while it is written."""
    return [row for row in read_lines(path) if "event" not in row]


def curve_events(path: Path) -> Sequence[dict[str, Any]]:
    """What happened to the run: `start`, `resume`, `stop`, `failed`, `end`."""
    return [row for row in read_lines(path) if "event" in row]


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
