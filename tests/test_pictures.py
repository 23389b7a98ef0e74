"""Pictures hold what they are given, as text that is text, and are the same each time."""

import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from core.errors import TrainingError
from sft.pictures import TradeoffPoint, draw_curve, draw_importances, draw_tradeoff

CURVE = [
    *({"step": step, "epoch": step / 10, "loss": 2 / step} for step in range(5, 41, 5)),
    *(
        {"step": step, "epoch": step / 10, "eval_loss": 1.0, "eval_exact": exact}
        for step, exact in ((10, 0.25), (20, 0.75), (30, 0.75), (40, 0.5))
    ),
]


def _texts(path: Path) -> list[str]:
    tree = ElementTree.parse(path)
    return ["".join(node.itertext()) for node in tree.iter("{http://www.w3.org/2000/svg}text")]


def test_a_curve_names_its_lines_and_the_first_best_step(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "curve.svg"
    draw_curve(CURVE, path, title="Halden, desk", reading="It stopped improving at step 20.")
    texts = _texts(path)
    for wanted in (
        "Halden, desk",
        "It stopped improving at step 20.",
        "training",
        "validation",
        "word for word",
        "best: step 20",
        "0.75",
        "step",
    ):
        assert wanted in texts
    assert "<dc:date>" not in path.read_text()


def test_accuracy_of_answers_goes_before_word_for_word(tmp_path: Path) -> None:
    rows = [*CURVE, {"step": 30, "epoch": 3, "eval_accuracy": 0.9}]
    draw_curve(rows, tmp_path / "curve.svg", title="x")
    assert "best: step 30" in _texts(tmp_path / "curve.svg")
    assert "word for word" not in _texts(tmp_path / "curve.svg")


def test_without_accuracy_the_lowest_validation_loss_is_best(tmp_path: Path) -> None:
    rows = [{"step": step, "eval_loss": loss} for step, loss in ((1, 3.0), (2, 1.0), (3, 2.0))]
    draw_curve(rows, tmp_path / "curve.svg", title="x")
    texts = _texts(tmp_path / "curve.svg")
    assert "best: step 2" in texts and "training" not in texts


def test_the_same_figures_are_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        draw_curve(CURVE, tmp_path / f"{name}.svg", title="x")
        draw_importances([("rank", 0.2)], tmp_path / f"{name}-i.svg", title="x")
    for kind in ("", "-i"):
        one, two = (tmp_path / f"{name}{kind}.svg" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    "rows", [[], [{"step": 1.0, "learning_rate": 1e-3}], [{"step": 1.0, "loss": math.nan}]]
)
def test_nothing_logged_is_nothing_drawn(tmp_path: Path, rows: list[dict[str, float]]) -> None:
    with pytest.raises(TrainingError, match="no curve to draw"):
        draw_curve(rows, tmp_path / "curve.svg", title="x")
    assert not (tmp_path / "curve.svg").exists()


def test_a_step_that_diverged_is_passed_over(tmp_path: Path) -> None:
    draw_curve([*CURVE, {"step": 45, "loss": math.inf}], tmp_path / "curve.png", title="x")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_importances_are_ranked_and_labelled(tmp_path: Path) -> None:
    draw_importances([("rank", 0.25), ("learning_rate", 0.75)], tmp_path / "i.svg", title="Why")
    texts = _texts(tmp_path / "i.svg")
    assert texts.index("rank") < texts.index("learning_rate"), "the greatest on top"
    assert {"0.25", "0.75", "Why"} <= set(texts)
    with pytest.raises(TrainingError, match="nothing to draw"):
        draw_importances([], tmp_path / "none.svg", title="x")


def test_a_tradeoff_names_its_series_where_they_end_or_in_a_list(tmp_path: Path) -> None:
    apart = [TradeoffPoint("none", 0.9, 0.2), TradeoffPoint("replay", 0.7, 0.05)]
    draw_tradeoff(apart, tmp_path / "apart.svg", title="x")
    near = [TradeoffPoint(f"series {n}", 0.9, 0.05 + n / 1e4) for n in range(9)]
    draw_tradeoff(near, tmp_path / "near.svg", title="x")
    assert {"none", "replay"} <= set(_texts(tmp_path / "apart.svg"))
    assert {f"series {n}" for n in range(9)} <= set(_texts(tmp_path / "near.svg"))
    assert 'id="legend' in (tmp_path / "near.svg").read_text()
    assert 'id="legend' not in (tmp_path / "apart.svg").read_text()
    with pytest.raises(TrainingError, match="nothing to draw"):
        draw_tradeoff([], tmp_path / "none.svg", title="x")
