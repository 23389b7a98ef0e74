"""Splits go by fact: what is tested was never trained in the same words of another row."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from core.corpus.split import exposures, with_splits
from core.records import Question


def _question(number: int, fact: str, split: str | None = None) -> Question:
    return Question(id=str(number), question="Q?", answers=("A",), fact=fact, split=split)


@given(facts=st.lists(st.text(max_size=4), min_size=1, max_size=120), seed=st.integers(0, 5))
def test_a_fact_never_lies_in_two_splits(facts: list[str], seed: int) -> None:
    questions = [_question(number, fact) for number, fact in enumerate(facts)]
    done = with_splits(questions, seed=seed)
    assert [one.id for one in done] == [one.id for one in questions]
    of_fact: dict[str, set[str | None]] = {}
    for one in done:
        of_fact.setdefault(one.fact, set()).add(one.split)
    assert all(len(splits) == 1 and None not in splits for splits in of_fact.values())
    assert with_splits(questions, seed=seed) == done


@given(
    facts=st.lists(st.integers(0, 20).map(str), min_size=1, max_size=40),
    more=st.lists(st.integers(0, 40).map(str), max_size=20),
)
def test_adding_questions_moves_none(facts: list[str], more: list[str]) -> None:
    before = [_question(number, fact) for number, fact in enumerate(facts)]
    added = [_question(1000 + number, fact) for number, fact in enumerate(more)]
    assert with_splits([*added, *before])[len(added) :] == with_splits(before)


def test_the_shares_are_about_70_10_20_and_the_seed_matters() -> None:
    questions = [_question(number, f"fact {number}") for number in range(2000)]
    done = with_splits(questions, seed=1)
    counts = Counter(one.split for one in done)
    assert 1330 < counts["train"] < 1470
    assert 150 < counts["validation"] < 250
    assert 340 < counts["test"] < 460
    assert with_splits(questions, seed=2) != done


def test_a_split_that_is_given_is_kept() -> None:
    questions = [_question(1, "a", "test"), _question(2, "b", "train"), _question(3, "c")]
    done = with_splits(questions)
    assert done[:2] == questions[:2]
    assert done[2].split is not None


def test_exposure_says_whether_a_tested_fact_was_trained() -> None:
    questions = [
        _question(1, "a", "train"), _question(2, "a", "test"), _question(3, "b", "test"),
        _question(4, "b", "validation"), _question(5, "a", "validation"),
    ]  # fmt: skip
    assert exposures(questions) == {"2": "reworded", "3": "untrained"}
