"""Checkpoints that are whole or do not count.

The trainer writes a checkpoint file by file. When all are there, a seal with their SHA-256 is put
beside them: a checkpoint that was cut off or damaged has none that fits, and the one before is
taken. The seal also holds the curve so far, so that nothing else is needed to go on.
"""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from transformers import TrainerCallback

from core.storage import fingerprint, write_json
from sft.curve import best_row
from sft.curve_writer import Curve
from sft.processes import any_of, is_main, wait_for_all

_SEAL = "whole.json"
_PREFIX = "checkpoint-"
#: Seconds after which a checkpoint is made between two validations.
EVERY_SECONDS = 120.0
#: How many of the newest are kept: one more than is needed, for the case that one is damaged.
_KEPT = 2


class Seal(BaseModel):
    """What makes a checkpoint whole, and where the run was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: SHA-256 of each file by its name.
    files: dict[str, str]
    step: int
    #: Steps of the whole run.
    steps: int
    #: The curve up to it.
    curve: list[dict[str, float]]
    #: How long the run took up to it.
    seconds: float


class Checkpoints(TrainerCallback):
    """Seals every checkpoint, makes more between rare validations, and deletes old ones."""

    def __init__(self, folder: Path, curve: Curve, began: float) -> None:
        """Remember where they go.

        :param began: `time.perf_counter()` of a run that had never been broken off.
        """
        self._folder, self._curve, self._began = folder, curve, began
        self._last = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for a checkpoint when the last one is too long ago."""
        due = time.perf_counter() - self._last >= EVERY_SECONDS
        if not control.should_save and any_of(due, args.device):
            control.should_save = True
        if control.should_save:
            control.should_log = True  # the seal's curve then goes up to this step

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Seal what the trainer has just written, then delete what is no longer needed."""
        wait_for_all()  # each process writes its own random state
        self._last = time.perf_counter()
        if is_main():
            seal(
                checkpoint_of(self._folder, state.global_step),
                step=state.global_step,
                steps=state.max_steps,
                curve=self._curve.rows,
                seconds=time.perf_counter() - self._began,
            )
            best = best_row(self._curve.rows)
            self._prune(int(best["step"]) if best else None)

    def _prune(self, best: int | None) -> None:
        steps = _steps(self._folder)
        for step in steps[_KEPT:]:
            if step != best:
                shutil.rmtree(checkpoint_of(self._folder, step), ignore_errors=True)


def checkpoint_of(folder: Path, step: int) -> Path:
    """Where the trainer puts the checkpoint of a step."""
    return folder / f"{_PREFIX}{step}"


def seal(
    checkpoint: Path, *, step: int, steps: int, curve: Sequence[dict[str, float]], seconds: float
) -> None:
    """Declare a checkpoint whole."""
    files = {path.name: fingerprint([path]) for path in sorted(checkpoint.iterdir())}
    files.pop(_SEAL, None)
    sealed = Seal(files=files, step=step, steps=steps, curve=list(curve), seconds=seconds)
    write_json(checkpoint / _SEAL, sealed.model_dump(mode="json"))


def read_seal(checkpoint: Path) -> Seal | None:
    """Read a checkpoint's seal; None when it is not whole."""
    try:
        text = (checkpoint / _SEAL).read_text(encoding="utf-8")
        sealed = Seal.model_validate_json(text)
        if all(fingerprint([checkpoint / name]) == sum_ for name, sum_ in sealed.files.items()):
            return sealed
    except (OSError, ValueError):  # missing, cut off, or no JSON of this kind
        pass
    return None


def newest_whole(folder: Path) -> tuple[Path, Seal] | None:
    """Find the checkpoint to go on from, with its seal; the damaged ones after it are deleted."""
    for step in _steps(folder):
        checkpoint = checkpoint_of(folder, step)
        sealed = read_seal(checkpoint)
        if sealed is not None:
            return checkpoint, sealed
        if is_main():
            shutil.rmtree(checkpoint, ignore_errors=True)
    return None


def _steps(folder: Path) -> list[int]:
    """Steps of the checkpoints that are there, the newest first."""
    numbers = (path.name.removeprefix(_PREFIX) for path in folder.glob(f"{_PREFIX}*"))
    return sorted((int(number) for number in numbers if number.isdigit()), reverse=True)
