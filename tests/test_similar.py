"""Repetition is judged by words: case, punctuation and order of evidence aside."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.corpus.similar import jaccard, mean_overlap, near_pairs, plain, shingles, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  How HEAVY,  is it?! ", "how heavy is it"),
        ("ﬁne Ｗｉ-Ｆｉ", "fine wi fi"),
        ("Größe", "grösse"),
        ("3.5 GHz and 35 GHz", "3_5 ghz and 35 ghz"),
        ("1,000 m²", "1_000 m2"),
        ("5 % or €5", "5 percent or euro 5"),
        ("", ""),
        ("...", ""),
    ],
)
def test_a_text_is_brought_to_words(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_overlap_is_that_of_jaccard() -> None:
    assert jaccard({1, 2, 3}, {2, 3, 4}) == 0.5
    assert jaccard(set(), set()) == 1
    assert mean_overlap(["a b", "b c", "c a"]) == pytest.approx(1 / 3)
    assert mean_overlap(["alone"]) == 0


def test_shingles_are_runs_of_words() -> None:
    assert shingles("a b c", 2) == {("a", "b"), ("b", "c")}
    assert shingles("a", 5) == {("a",)}


@given(st.lists(st.frozensets(st.integers(0, 12), max_size=12), max_size=25))
def test_near_pairs_are_pairs_and_identical_sets_are_all_found(sets: list[frozenset]) -> None:
    found = list(near_pairs([set(one) for one in sets], threshold=0.8))
    for first, second, overlap in found:
        assert first < second
        assert overlap == jaccard(set(sets[first]), set(sets[second])) >= 0.8
    pairs = [(first, second) for first, second, _ in found]
    assert len(pairs) == len(set(pairs))
    same = {(i, j) for i, j in combinations(range(len(sets)), 2) if sets[i] == sets[j]}
    assert same <= set(pairs)


def test_nearly_all_near_pairs_of_questions_are_found() -> None:
    texts = [
        f"How long is the {part} of the {kind} {number}{extra} covered by the maker's warranty?"
        for part in ("lamp", "fan", "case")
        for kind in ("router", "switch")
        for number in (100, 200)
        for extra in ("", " really", " now")
    ]
    sets = [set(words(text)) for text in texts]
    true = {
        (i, j) for i, j in combinations(range(len(sets)), 2) if jaccard(sets[i], sets[j]) >= 0.8
    }
    found = {(i, j) for i, j, _ in near_pairs(sets, threshold=0.8)}
    assert found <= true
    assert len(found) >= 0.97 * len(true)
