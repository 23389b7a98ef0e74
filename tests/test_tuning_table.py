"""The words of a study: the table, how sure its best is, and a recipe file that reads back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.wilson import wilson
from sft.recipe import Recipe, load_recipe
from sft.tuning_pictures import history_picture
from sft.tuning_table import TrialRecord, doubt, recipe_file, trials_table


def _trial(
    number: int, value: float | None, state: str = "finished", reason: str = ""
) -> TrialRecord:
    return TrialRecord(
        number, state, {"rank": 8, "learning_rate": 0.00123}, value, 12, 1.25, reason
    )


def test_a_published_interval() -> None:
    # Newcombe 1998, table I: 81 of 263, score method without correction.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


@given(st.integers(0, 500), st.integers(1, 500))
def test_an_interval_holds_its_share_and_mirrors(right: int, n: int) -> None:
    share = min(right, n) / n
    low, high = wilson(share, n)
    assert 0 <= low <= share + 1e-12 and share - 1e-12 <= high <= 1
    assert wilson(1 - share, n) == pytest.approx((1 - high, 1 - low))


def test_a_lead_within_the_interval_may_be_chance() -> None:
    assert "may be chance" in doubt([_trial(0, 0.80), _trial(1, 0.82)], 100)
    assert "lies below that interval" in doubt([_trial(0, 0.40), _trial(1, 0.82)], 100)
    assert "Trial 1 reached 0.820 of 100" in doubt([_trial(0, 0.40), _trial(1, 0.82)], 100)
    assert "only one that finished" in doubt([_trial(0, 0.4), _trial(1, 0.9, "pruned")], 100)
    assert "No trial has finished" in doubt([_trial(1, 0.9, "pruned")], 100)


def test_the_table_has_a_cell_for_everything() -> None:
    trials = [_trial(0, 0.5), TrialRecord(1, "failed", {}, reason="a | b"), _trial(2, 0.6)]
    lines = trials_table(trials).splitlines()
    assert {line.count("|") for line in lines} == {8}
    assert lines[2] == "| 0 | finished | 8 | 0.00123 | 0.500 | 12 | 1.2 |"
    assert "failed (a / b)" in lines[3] and lines[4].startswith("| **2** |")
    assert len(trials_table([]).splitlines()) == 2


RECIPES = st.builds(
    Recipe,
    learning_rate=st.none() | st.floats(1e-7, 0.9),
    rank=st.integers(1, 256),
    dropout=st.floats(0, 0.9),
    rslora=st.booleans(),
    method=st.sampled_from(["lora", "full", "frozen"]),
    target_modules=st.sampled_from([("q_proj",), ("q_proj", "v_proj")]),
    seed=st.integers(0, 2**32 - 1),
)


@given(recipe=RECIPES)
def test_a_recipe_file_reads_back(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("recipes") / "best.toml"
    path.write_text(recipe_file(recipe, ["rank"], ["Found by a test."]), encoding="utf-8")
    assert load_recipe(path) == recipe


def test_a_recipe_file_holds_what_differs_and_what_was_tuned(tmp_path: Path) -> None:
    text = recipe_file(Recipe(epochs=3), ["rank"], ["one", "two"])
    assert text == f"# one\n# two\nrank = {Recipe().rank}\nepochs = 3\n"


def test_pictures_are_the_same_for_the_same_figures() -> None:
    trials = [_trial(0, 0.5), _trial(1, 0.4, "pruned"), _trial(2, 0.7)]
    assert history_picture(trials) == history_picture(trials) != history_picture(trials[:2])
    assert b"svg" in history_picture([])
