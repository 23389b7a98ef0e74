"""A curve is told in a sentence, names its best validation, and ends a run that diverges."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import TrainingError
from sft.curve import best_row, mean_loss, ranked, reading, scores_of
from sft.curve_writer import Curve
from sft.run_folder import RunFolder, read_curve

Points = list[tuple[int, float, float, float]]


def _curve(points: Points) -> list[dict[str, float]]:
    """Rows of (step, training loss, validation loss, accuracy)."""
    rows: list[dict[str, float]] = []
    for step, loss, eval_loss, accuracy in points:
        rows.append({"step": step, "epoch": step / 10, "loss": loss})
        rows.append(
            {"step": step, "epoch": step / 10, "eval_loss": eval_loss,
             "eval_exact": accuracy / 2, "eval_accuracy": accuracy}
        )  # fmt: skip
    return rows


READINGS: list[tuple[Points, str]] = [
    (
        [(60, 0.9, 1.4, 0.3), (180, 0.40, 1.2, 0.59), (240, 0.1, 1.5, 0.55), (300, 0.01, 1.9, 0.5)],
        "Validation stopped improving at step 180 (.59); training went on to memorise: its loss "
        "fell from 0.40 to 0.01 while validation loss rose from 1.20 to 1.90.",
    ),
    (
        [(60, 0.9, 1.4, 0.3), (120, 0.5, 1.2, 0.5), (180, 0.2, 1.2, 0.5)],
        "Validation stopped improving at step 120 (.50); training went on without gain: its loss "
        "fell from 0.50 to 0.20.",
    ),
    (
        [(60, 0.9, 1.4, 0.3), (120, 0.5, 1.2, 0.5), (180, 0.5, 1.2, 0.4)],
        "Validation stopped improving at step 120 (.50); training had come to rest too.",
    ),
    (
        [(60, 0.9, 1.4, 0.3), (120, 0.5, 1.2, 0.5), (180, 0.5, 1.9, 0.4)],
        "Validation stopped improving at step 120 (.50); from there validation loss rose from "
        "1.20 to 1.90.",
    ),
    (
        [(60, 0.9, 1.4, 0.4), (120, 0.5, 1.2, 0.59)],
        "Still improving when it ended at step 120 (from .40 to .59): train longer.",
    ),
    (
        [(60, 0.9, 1.4, 0.4), (120, 0.5, 1.2, 1.0)],
        "Every held-out question was answered right at step 120, when it ended.",
    ),
    ([(60, 0.9, 1.4, 0.4)], "Validated once, at step 60 (.40): the curve shows no direction."),
    (
        [(60, 2.0, 1.4, 0.0), (120, 1.9, 1.4, 0.0)],
        "Never learnt (loss 2.00 to 1.90): train longer, or raise learning_rate.",
    ),
    (
        [(60, 2.0, 1.4, 0.0), (120, 0.1, 3.4, 0.0)],
        "Learnt its rows by heart only: their loss fell from 2.00 to 0.10, and no held-out "
        "question was answered right; add wordings of each fact.",
    ),
    ([], "No validation questions: overfitting could not be seen."),
]


@pytest.mark.parametrize(("points", "sentence"), READINGS)
def test_a_curve_is_told_in_a_sentence(points: Points, sentence: str) -> None:
    assert reading(_curve(points)) == sentence


SHARES = st.floats(0, 1)
LOSSES = st.floats(0, 20)


@given(st.lists(st.tuples(LOSSES, LOSSES, SHARES), max_size=8))
def test_every_curve_has_a_reading_and_its_best_is_the_earliest_of_the_best(
    values: list[tuple[float, float, float]],
) -> None:
    rows = _curve([(step, *value) for step, value in enumerate(values, start=1)])
    assert reading(rows).endswith(".")
    best = best_row(rows)
    if not values:
        assert best is None and scores_of(best) == {}
        return
    top = max(accuracy for _, _, accuracy in values)
    first = next(step for step, value in enumerate(values, start=1) if value[2] == top)
    assert best is not None and (best["step"], best["eval_accuracy"]) == (first, top)
    assert scores_of(best)["validation_step"] == first
    assert len(ranked(rows)) == len(values)


def test_word_for_word_decides_between_equals() -> None:
    rows = _curve([(1, 1, 1, 0.5), (2, 1, 1, 0.5), (3, 1, 1, 0.5)])
    rows[3]["eval_exact"] = 0.4
    assert best_row(rows) == rows[3]


def test_the_mean_loss_counts_each_step_once() -> None:
    rows = [{"step": 4, "loss": 2.0}, {"step": 5, "loss": 1.0}, {"step": 6, "loss": 0.0}]
    assert mean_loss(rows) == pytest.approx((4 * 2 + 1) / 6)
    assert mean_loss([]) == 0


def _log(curve: Curve, step: int, **logs: float) -> None:
    arguments = SimpleNamespace(get_warmup_steps=lambda steps: 10)
    curve.on_log(arguments, SimpleNamespace(global_step=step, epoch=1, max_steps=99), None, logs)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("key", ["loss", "grad_norm", "eval_loss"])
def test_what_is_no_number_ends_the_run(tmp_path: Path, key: str, value: float) -> None:
    curve = Curve(RunFolder(tmp_path), lambda row: None)
    _log(curve, 1, loss=2.0)
    with pytest.raises(TrainingError, match=r"diverged at step 2 .*lower learning_rate"):
        _log(curve, 2, **{key: value})
    assert len(read_curve(tmp_path / "curve.jsonl")) == 1


def test_an_exploding_loss_ends_the_run_after_the_warm_up(tmp_path: Path) -> None:
    curve = Curve(RunFolder(tmp_path), lambda row: None)
    _log(curve, 1, loss=2.0)
    for step in range(2, 15):
        _log(curve, step, loss=7.0)
    with pytest.raises(TrainingError, match=r"step 15: its loss is 7.00 and began at 2.00; lower"):
        _log(curve, 15, loss=7.0)


def test_a_loss_that_comes_back_ends_nothing(tmp_path: Path) -> None:
    curve = Curve(RunFolder(tmp_path), lambda row: None)
    _log(curve, 1, loss=0.01)
    for step in range(11, 60):
        _log(curve, step, loss=0.9 if step % 5 else 0.02)  # 90 times the first, and still small
    _log(curve, 60, loss=9.0)
    _log(curve, 61, loss=0.5)
    assert len(curve.rows) == 52
