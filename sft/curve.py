"""The learning curve of a run: written as it grows, read by whoever follows it."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from core.errors import TrainingError
from core.storage import append_line


class Curve(TrainerCallback):
    """Appends every logged loss to the run's `curve.jsonl` and tells the caller."""

    def __init__(self, path: Path, report: Callable[[dict[str, float]], None]) -> None:
        self.path, self.report = path, report
        self.rows: list[dict[str, float]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Keep what a curve needs of the trainer's log."""
        kept = ("loss", "eval_loss", "eval_exact", "learning_rate", "grad_norm")
        row = {key: float(logs[key]) for key in kept if key in logs}
        if not row:
            return
        if any(not math.isfinite(value) for value in row.values()):
            raise TrainingError(
                f"Training diverged at step {state.global_step} ({row}); "
                "lower learning_rate and train again."
            )
        row = {"step": state.global_step, "epoch": round(float(state.epoch or 0), 3), **row}
        self.rows.append(row)
        append_line(self.path, row)
        self.report({**row, "steps": state.max_steps})


def best_validation(curve: Sequence[dict[str, float]]) -> dict[str, float]:
    """Both validation figures of the step whose weights were kept; none without validation."""
    measured = [row for row in curve if "eval_exact" in row]
    if not measured:
        return {}
    best = max(measured, key=lambda row: row["eval_exact"])
    return {"validation_exact": best["eval_exact"], "validation_loss": best["eval_loss"]}
