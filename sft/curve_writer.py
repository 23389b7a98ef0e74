"""Writes a run's learning curve as it grows, and ends the run where the curve says so."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from transformers import TrainerCallback

from core.errors import TrainingError
from core.storage import append_line
from sft.curve import Row, best_row
from sft.processes import is_main
from sft.run_folder import RunFolder, read_curve

_KEPT = (
    "loss", "eval_loss", "eval_exact", "eval_accuracy", "learning_rate", "grad_norm",
    "kl", "path", "anchor",
)  # fmt: skip
#: A loss of more than so many times the first, and a nat above it...
_EXPLODED = 3.0
#: ...in so many logs on end, after the warm-up, will not come back.
_EXPLODED_LOGS = 5


class DivergenceError(TrainingError):
    """The loss is no number any more, or far above where it began."""


class Curve(TrainerCallback):
    """Appends every logged loss to the run's `curve.jsonl`, tells the caller, and ends the run.

    It ends it where the curve says so: when it diverges, or when validation no longer improves.
    """

    def __init__(
        self,
        run: RunFolder,
        report: Callable[[Row], None],
        *,
        rows: Sequence[Row] = (),
        patience: int = 0,
    ) -> None:
        """Begin a curve.

        :param rows: those up to the checkpoint that the run goes on from.
        :param patience: validations without a better one that end the run; 0 never does.
        """
        self.rows = list(rows)
        self._run, self._report, self._patience = run, report, patience
        # What a killed run had written after its checkpoint comes again, and stands there once.
        there = read_curve(run.curve) if run.curve.is_file() else []
        self._written = {(row.get("step"), "eval_loss" in row) for row in there}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note that the run begins, or goes on."""
        record = self._run.record()
        facts = {
            "step": state.global_step,
            "steps": state.max_steps,
            "rows": record.rows,
            "validation_rows": record.validation_rows,
        }
        self._run.note("resume" if self._run.curve.is_file() else "start", facts)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Keep what a curve needs of the trainer's log."""
        found = {key: float(logs[key]) for key in _KEPT if key in logs}
        if not found:
            return
        if any(not math.isfinite(value) for value in found.values()):
            raise DivergenceError(
                f"Training diverged at step {state.global_step} ({found}); "
                "lower learning_rate and train again."
            )
        row = {"step": state.global_step, "epoch": round(float(state.epoch or 0), 3), **found}
        self.rows.append(row)
        if is_main():
            if (state.global_step, "eval_loss" in row) not in self._written:
                append_line(self._run.curve, row)
            self._report({**row, "steps": state.max_steps})
        self._check_losses(args.get_warmup_steps(state.max_steps))

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End the run when it has been patient for long enough."""
        control.should_training_stop |= self.exhausted

    @property
    def exhausted(self) -> bool:
        """Whether so many validations as the recipe is patient for brought no better one."""
        best = best_row(self.rows)
        if best is None or not self._patience:
            return False
        later = [row for row in self.rows if "eval_loss" in row and row["step"] > best["step"]]
        return len(later) >= self._patience

    def _check_losses(self, warmup: int) -> None:
        losses = [(row["step"], row["loss"]) for row in self.rows if "loss" in row]
        first = losses[0][1] if losses else 0.0
        last = losses[-_EXPLODED_LOGS:]
        bound = max(_EXPLODED * first, first + 1)
        if len(last) == _EXPLODED_LOGS and all(s > warmup and loss > bound for s, loss in last):
            step, loss = last[-1]
            raise DivergenceError(
                f"Training diverged at step {step:.0f}: its loss is {loss:.2f} and began at "
                f"{first:.2f}; lower learning_rate and train again."
            )
