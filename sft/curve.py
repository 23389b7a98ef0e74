"""The learning curve of a run, read by whoever follows it and told in words.

A row is of one logged step: `step`, `epoch`, and either `loss`, `learning_rate` and `grad_norm` or
`eval_loss`, `eval_exact` and `eval_accuracy`. Losses are nats a token, the other two shares.
"""

from collections.abc import Sequence

Row = dict[str, float]


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
