"""The learning curve of a run: written as it grows, read by whoever follows it, and told in words.

A row is of one logged step: `step`, `epoch`, and either `loss`, `learning_rate` and `grad_norm` or
`eval_loss`, `eval_exact` and `eval_accuracy`. Losses are nats a token, the other two shares.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from transformers import TrainerCallback

from core.errors import TrainingError
from core.storage import append_line
from sft.processes import is_main
from sft.run_folder import RunFolder, read_curve

Row = dict[str, float]

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


def ranked(curve: Sequence[Row]) -> list[Row]:
    """Rows of the validations, the best first.

    More held-out questions answered right is better, then more answered word for word, then the
    earlier one. The loss does not choose: it turns upwards, as the model grows sure of its
    mistakes, while the number of right answers still rises.
    """
    measured = [row for row in curve if "eval_loss" in row]
    return sorted(measured, key=lambda row: (-_accuracy(row), -row.get("eval_exact", 0.0)))


def best_row(curve: Sequence[Row]) -> Row | None:
    """The row of the best validation; None without any. See `ranked`."""
    measured = ranked(curve)
    return measured[0] if measured else None


def scores_of(best: Row | None) -> Row:
    """A manifest's scores of the validation whose weights were kept; none without one."""
    if best is None:
        return {}
    return {
        "validation_accuracy": _accuracy(best),
        "validation_exact": best.get("eval_exact", 0.0),
        "validation_loss": best["eval_loss"],
        "validation_step": best["step"],
    }


def mean_loss(curve: Sequence[Row]) -> float:
    """The training loss in nats a token, averaged over all steps; 0 when none was logged.

    A logged loss is the mean since the log before, so it counts for the steps between.
    """
    total = before = 0.0
    for row in curve:
        if "loss" in row:
            total += row["loss"] * (row["step"] - before)
            before = row["step"]
    return total / before if before else 0.0


def reading(curve: Sequence[Row]) -> str:
    """Say in a sentence what the curve shows of learning and overfitting."""
    measured = [row for row in curve if "eval_loss" in row]
    losses = [row for row in curve if "loss" in row]
    best = best_row(measured)
    if best is None:
        return "No validation questions: overfitting could not be seen."
    accuracy, step = _accuracy(best), int(best["step"])
    if accuracy == 0 and best.get("eval_exact", 0.0) == 0:
        return _nothing_right(losses)
    after = _after(best, measured, losses)
    if accuracy == 1 and not after:
        return f"Every held-out question was answered right at step {step}, when it ended."
    if best is not measured[-1]:
        return f"Validation stopped improving at step {step} ({_share(accuracy)}){after}."
    if len(measured) == 1:
        return f"Validated once, at step {step} ({_share(accuracy)}): the curve shows no direction."
    earlier = max(_accuracy(row) for row in measured[:-1])
    return (
        f"Still improving when it ended at step {step} (from {_share(earlier)} to "
        f"{_share(accuracy)}): train longer."
    )


def _nothing_right(losses: Sequence[Row]) -> str:
    if not losses or losses[-1]["loss"] > 0.7 * losses[0]["loss"]:
        fall = f" (loss {losses[0]['loss']:.2f} to {losses[-1]['loss']:.2f})" if losses else ""
        return f"Never learnt{fall}: train longer, or raise learning_rate."
    return (
        f"Learnt its rows by heart only: their loss fell from {losses[0]['loss']:.2f} to "
        f"{losses[-1]['loss']:.2f}, and no held-out question was answered right; "
        "add wordings of each fact."
    )


def _after(best: Row, measured: Sequence[Row], losses: Sequence[Row]) -> str:
    """What training did after its best validation: "" when that was its last."""
    last = measured[-1]
    if best is last:
        return ""
    until = [row["loss"] for row in losses if row["step"] <= best["step"]]
    since = [row["loss"] for row in losses if row["step"] > best["step"]]
    if not until or not since:
        return ""
    fell = f"its loss fell from {until[-1]:.2f} to {since[-1]:.2f}"
    validation = f"validation loss rose from {best['eval_loss']:.2f} to {last['eval_loss']:.2f}"
    if since[-1] < 0.9 * until[-1]:
        if last["eval_loss"] > 1.05 * best["eval_loss"]:
            return f"; training went on to memorise: {fell} while {validation}"
        return f"; training went on without gain: {fell}"
    if last["eval_loss"] > 1.05 * best["eval_loss"]:
        return f"; from there {validation}"
    return "; training had come to rest too"


def _accuracy(row: Row) -> float:
    return row.get("eval_accuracy", row.get("eval_exact", 0.0))


def _share(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")
