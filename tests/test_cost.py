"""Costs: a month by its parts, the cheapest arm at every number of questions, what is not known."""

import itertools
import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError
from run_folders import make_run

from core.errors import EvaluationError
from core.settings import Settings
from eval.change_files import ChangeFolder
from eval.cost import (
    ArmCost,
    Cost,
    Line,
    Prices,
    break_even,
    lines,
    lower_envelope,
    monthly,
    monthly_parts,
    once,
)
from eval.cost_files import arm_costs, read_cost, read_timed, write_cost
from eval.cost_table import chosen_arms, cost_table, cost_told
from workbench import Workbench


def arm(seconds: float, prompt: float = 100, completion: float = 10) -> ArmCost:
    return ArmCost(
        seconds_p50=seconds / 2, seconds_mean=seconds, prompt_tokens=prompt, completion_tokens=completion
    )  # fmt: skip


COST = Cost(
    train_seconds=7200, index_seconds=36, sync_seconds=3.6, retrain_seconds=3600, changed_facts=20,
    arms={"base": arm(1, 50), "sft": arm(1, 50), "rag": arm(3, 250), "sft+rag": arm(2, 250, 5)},
)  # fmt: skip
PRICES = Prices(hour=1, prompt=2, completion=10, person_hour=30, minutes_per_fact=3)
#: A busy machine draws slowly; that is no fault of what is drawn.
SLOWLY = hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SUMMARY = {
    "arms": {
        name: {"metrics": {"accuracy": {"value": value, "low": value - 0.1, "high": value + 0.1}}}
        for name, value in (("base", 0.1), ("sft", 0.4), ("rag", 0.6), ("sft+rag", 0.7))
    }
}


def test_a_month_by_hand() -> None:
    parts = monthly_parts(COST, PRICES, questions=3600, revisions=2)
    # 3,600 answers of a second are an hour; 50 tokens at 2 a thousand are 0.10; 10 at 10 are 0.10.
    assert parts["base"].answering == pytest.approx(1 + 360 + 360)
    assert parts["base"].total == parts["base"].answering
    assert parts["sft"].retraining == pytest.approx(2)
    assert parts["sft"].labelling == pytest.approx(2 * 20 * 3 / 60 * 30)
    assert parts["sft"].syncing == 0
    assert parts["rag"].syncing == pytest.approx(2 * 3.6 / 3600)
    assert (parts["rag"].retraining, parts["rag"].labelling) == (0, 0)
    assert parts["sft+rag"].syncing == parts["rag"].syncing
    assert parts["sft+rag"].labelling == parts["sft"].labelling
    assert monthly(COST, PRICES, questions=3600, revisions=2) == {
        name: one.total for name, one in parts.items()
    }
    assert once(COST, PRICES) == pytest.approx({"base": 0, "sft": 2, "rag": 0.01, "sft+rag": 2.01})


def test_the_mean_counts_and_not_the_median() -> None:
    only = Cost(
        arms={"rag": ArmCost(seconds_p50=1, seconds_mean=36, prompt_tokens=0, completion_tokens=0)}
    )
    assert monthly(only, Prices(hour=100), questions=100, revisions=0) == {
        "rag": pytest.approx(100)
    }


def test_the_first_training_and_index_stand_for_what_was_not_timed() -> None:
    cost = COST.model_copy(update={"retrain_seconds": None, "sync_seconds": None})
    parts = monthly_parts(cost, PRICES, questions=0, revisions=1)
    assert parts["sft"].retraining == pytest.approx(2)
    assert parts["rag"].syncing == pytest.approx(0.01)
    unknown = Cost(arms=COST.arms)
    assert set(monthly(unknown, PRICES, questions=0, revisions=5).values()) == {0}
    notes = " ".join(cost_told(unknown, PRICES, {}, questions=0, revisions=5)["notes"])
    for told in ("No retraining was timed: it counts nothing", "No sync was timed: it counts nothing",
                 "labelling counts nothing"):  # fmt: skip
        assert told in notes


def test_the_break_even_by_hand() -> None:
    cost = Cost(
        sync_seconds=0, retrain_seconds=3600, arms={"sft": arm(1, 0, 0), "rag": arm(10, 0, 0)}
    )
    # One retraining of an hour is paid back by 3,600 / 9 answers, each 9 seconds shorter.
    assert break_even(cost, Prices(hour=5), revisions=1) == [(400, "rag", "sft")]
    assert break_even(cost, Prices(hour=5), revisions=2) == [(800, "rag", "sft")]
    assert break_even(cost, Prices(hour=5), revisions=0) == []
    assert break_even(cost, Prices(hour=0), revisions=1) == []
    told = cost_told(cost, Prices(hour=5), {}, questions=500, revisions=1)
    assert told["cheapest"] == "sft" and told["cheapest_of_few_questions"] == "rag"
    assert "Cheapest: rag; sft from 400 questions a month on." in cost_table(told)


# Few values, so that equal and parallel lines and shared crossings come often.
pairs = st.tuples(st.integers(0, 12), st.integers(0, 6))


@SLOWLY
@given(st.lists(pairs, min_size=1, max_size=6), st.lists(st.integers(0, 200), max_size=8))
def test_the_envelope_is_the_least_everywhere(
    given_lines: list[tuple[int, int]], numbers: list[int]
) -> None:
    arms = {
        str(index): Line(fixed=Fraction(fixed, 7), answer=Fraction(answer, 3))
        for index, (fixed, answer) in enumerate(given_lines)
    }
    steps = lower_envelope(arms)
    starts = [start for start, _ in steps]
    assert starts[0] == 0
    assert all(a < b for a, b in itertools.pairwise(starts)), "sorted, none twice"
    names = [name for _, name in steps]
    assert len(set(names)) == len(names), "who is left behind does not come back"
    between = [(a + b) / 2 for a, b in itertools.pairwise(starts)]
    for number in [*numbers, *starts, *between, *(one + Fraction(1, 7) for one in starts)]:
        cheapest = [name for start, name in steps if start <= number][-1]
        assert arms[cheapest].at(number) == min(line.at(number) for line in arms.values())
    for (_, before), (start, after) in itertools.pairwise(steps):
        assert arms[before].at(start) == arms[after].at(start), (
            "they cost the same where they cross"
        )
        assert arms[after].answer < arms[before].answer


amounts = st.floats(min_value=0, max_value=1e6, allow_subnormal=False)


@SLOWLY
@given(st.tuples(*[amounts] * 6), st.integers(0, 30), st.integers(0, 10**7))
def test_the_month_agrees_with_its_lines(
    drawn: tuple[float, ...], revisions: int, questions: int
) -> None:
    hour, prompt, completion, person_hour, minutes, facts = drawn
    prices = Prices(hour=hour, prompt=prompt, completion=completion, person_hour=person_hour,
                    minutes_per_fact=minutes, facts_per_revision=facts)  # fmt: skip
    cost = COST
    totals = monthly(cost, prices, questions=questions, revisions=revisions)
    for name, line in lines(cost, prices, revisions=revisions).items():
        assert totals[name] == float(line.at(questions))
    for name, one in monthly_parts(cost, prices, questions=questions, revisions=revisions).items():
        kinds = one.answering + one.retraining + one.syncing + one.labelling
        assert kinds == pytest.approx(totals[name])


@pytest.mark.parametrize("price", [-1, float("nan"), float("inf"), "much"])
def test_a_price_that_is_none_is_refused(price: object) -> None:
    with pytest.raises(ValidationError):
        Prices.model_validate({"hour": price})


def test_some_arms_by_name_or_by_quality() -> None:
    assert set(chosen_arms(COST, SUMMARY, arms=["sft", "rag"]).arms) == {"sft", "rag"}
    assert set(chosen_arms(COST, SUMMARY, least_accuracy=0.6).arms) == {"rag", "sft+rag"}
    with pytest.raises(EvaluationError, match="no costs of oracle"):
        chosen_arms(COST, SUMMARY, arms=["oracle"])
    with pytest.raises(EvaluationError, match="No arm is right 90%"):
        chosen_arms(COST, SUMMARY, least_accuracy=0.9)
    with pytest.raises(EvaluationError, match=r"no summary\.json"):
        chosen_arms(COST, {}, least_accuracy=0.5)


def test_the_table_puts_quality_beside_money_and_names_placeholders() -> None:
    table = cost_table(cost_told(COST, Prices(hour=2), SUMMARY, questions=100, revisions=1))
    assert "| sft+rag | 0.70 [0.60, 0.80] |" in table
    assert "The cheapest arm is not the best arm" in table
    assert "Placeholders, not your prices: prompt, completion, person_hour" in table
    assert "hour, prompt" not in table
    assert "--measure CORPUS" in table


def test_results_give_means_and_medians(tmp_path: Path) -> None:
    rows = [("rag", 1.0, 10, 1), ("rag", 2.0, 20, 2), ("rag", 6.0, 30, 6), ("sft", 4.0, 5, 5)]
    (tmp_path / "results.jsonl").write_text(
        "".join(
            json.dumps(
                {"arm": name, "seconds": s, "prompt_tokens": p, "completion_tokens": c, "else": 1}
            )
            + "\n"
            for name, s, p, c in rows
        )
    )
    found = arm_costs(read_timed(tmp_path))
    assert found["rag"] == ArmCost(
        seconds_p50=2, seconds_mean=3, prompt_tokens=20, completion_tokens=3
    )
    assert found["sft"].seconds_mean == 4
    write_cost(tmp_path, Cost(arms=found))
    assert read_cost(tmp_path) == Cost(arms=found)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("results.jsonl", '{"arm": "rag"}\n', r"results\.jsonl:1: is no row"),
        ("results.jsonl", '{"arm": "rag", "sec', r"results\.jsonl:1: is no row"),
        ("results.jsonl", "", "is empty"),
        ("cost.json", '{"arms": {"rag": {"seconds_p50": -1}}}', r"cost\.json: arms\.rag"),
        ("cost.json", "{", r"cost\.json: the file"),
        ("nothing", "", "holds no results"),
    ],
)
def test_a_damaged_folder_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    reads = read_cost if name == "cost.json" else read_timed
    with pytest.raises(EvaluationError, match=message):
        reads(tmp_path)


def test_costs_follow_a_change_test_that_came_later(settings: Settings, tmp_path: Path) -> None:
    folder, bench = make_run(tmp_path / "run", parts=("run",)), Workbench(settings)
    first = bench.cost(folder)
    assert (first.sync_seconds, first.seconds_are) == (None, "in_batches")
    ChangeFolder(folder, {}).note({"sync_seconds": 8.0, "retrain_seconds": 100.0})
    assert (bench.known_cost(folder).sync_seconds, bench.cost(folder).retrain_seconds) == (8, 100)
    # What was measured by itself stays, and so do the answers that were timed alone.
    alone = first.model_copy(
        update={"seconds_are": "alone", "sync_seconds": 5.0, "arms": {"rag": arm(7)}}
    )
    write_cost(folder, alone)
    assert bench.cost(folder) == alone.model_copy(update={"retrain_seconds": 100.0})
