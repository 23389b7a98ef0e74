"""Row scores against values worked by hand and against the libraries' own functions."""

import math

import pytest
import sacrebleu
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from core.normalise import tokens
from eval.scores import METRICS, score, signatures

ENGLISH = [
    ("cats sleep on warm mats", ["cats slept on warm soft mats"]),
    ("warranty lasts 24 months", ["24 months", "two years warranty"]),
    ("returning parcels quickly", ["parcels were returned quickly", "quick returns"]),
    ("one", ["one"]),
    ("nothing shared", ["entirely different words"]),
]

WORDS = ["The", "warranty", "lasts", "24", "months", "3.99", "€", "東京", "👍", "no", ",", "."]
sentences = st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join)


# SQuAD v1.1 by hand: exact match, accuracy, precision, recall, F1.
@pytest.mark.parametrize(
    ("prediction", "references", "expected"),
    [
        ("The cat", ["cat."], (1, 1, 1, 1, 1)),
        ("The warranty is 24 months.", ["24 months"], (0, 1, 2 / 4, 1, 4 / 6)),
        ("24", ["24 months"], (0, 0, 1, 1 / 2, 2 / 3)),
        ("yes yes no", ["yes no no"], (0, 0, 2 / 3, 2 / 3, 2 / 3)),
        ("4 months", ["24 months"], (0, 0, 1 / 2, 1 / 2, 1 / 2)),
        ("red", ["blue"], (0, 0, 0, 0, 0)),
        # Best of several: F1 2/3 of the second; precision and recall go with it.
        ("red green", ["red blue black grey", "green"], (0, 1, 1 / 2, 1, 2 / 3)),
        ("blue", ["red", "Blue!"], (1, 1, 1, 1, 1)),
        # v1.1, not v2.0: nothing is left of either, so they match and overlap in nothing.
        ("the", ["a"], (1, 1, 0, 0, 0)),
        ("the", ["cat"], (0, 0, 0, 0, 0)),
        ("cat", ["the"], (0, 0, 0, 0, 0)),
        ("It costs €1,000", ["€ 1000"], (0, 1, 2 / 4, 1, 4 / 6)),
        ("東京都です", ["東京都"], (0, 1, 3 / 5, 1, 6 / 8)),
        ("👍", ["👍"], (1, 1, 1, 1, 1)),
    ],
)
def test_squad_metrics(prediction: str, references: list[str], expected: tuple[float, ...]) -> None:
    row = score(prediction, references)
    assert [row[name] for name in METRICS[:5]] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("prediction", "references"),
    [("", ["answer"]), (" \n", ["answer"]), ("", [""]), ("", ["the"]), ("answer", []), ("", [])],
)
def test_nothing_to_compare_scores_zero(prediction: str, references: list[str]) -> None:
    assert score(prediction, references) == dict.fromkeys(METRICS, 0.0)


def test_one_text_as_references_is_refused() -> None:
    with pytest.raises(TypeError, match=r"write \[reference\]"):
        score("a", "abc")


@pytest.mark.parametrize(("prediction", "references"), ENGLISH)
def test_bleu_and_chrf_are_sacrebleus(prediction: str, references: list[str]) -> None:
    row = score(prediction, references)
    bleu = sacrebleu.sentence_bleu(prediction, references, use_effective_order=True).score
    assert row["bleu"] == pytest.approx(bleu / 100)
    assert row["chrf"] == pytest.approx(sacrebleu.sentence_chrf(prediction, references).score / 100)


def test_bleu_by_hand() -> None:
    # Precisions 3/4, 2/3, 1/2 and, smoothed, 1/2 of 1; five reference words: penalty exp(1 - 5/4).
    mean = (3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** (1 / 4)
    row = score("b c d x", ["a b c d e"])
    assert row["bleu"] == pytest.approx(math.exp(1 - 5 / 4) * mean)


@pytest.mark.parametrize(("prediction", "references"), ENGLISH)
def test_rouge_is_rouge_scores_on_text_without_articles(
    prediction: str, references: list[str]
) -> None:
    names = ["rouge1", "rouge2", "rougeL"]
    expected = RougeScorer(names, use_stemmer=True).score_multi(references, prediction)
    row = score(prediction, references)
    assert [row[name] for name in names] == pytest.approx([expected[n].fmeasure for n in names])


def test_rouge_by_hand_in_japanese() -> None:
    # 東京都です against 東京都: 3 of 5 and 3 of 3 characters; 2 of 4 and 2 of 2 pairs.
    row = score("東京都です", ["東京都"])
    rouge = [row["rouge1"], row["rouge2"], row["rougeL"]]
    assert rouge == pytest.approx([3 / 4, 2 / 3, 3 / 4])
    # rouge_score's own tokenizer knows a-z and 0-9 alone.
    own = RougeScorer(["rouge1"], use_stemmer=True).score("東京都", "東京都です")
    assert own["rouge1"].fmeasure == 0


def test_rouge_stems() -> None:
    assert score("returns", ["returned"])["rouge1"] == 1
    assert score("returns", ["returned"])["f1"] == 0


def test_a_single_word_has_no_bigram() -> None:
    row = score("Paris", ["Paris"])
    assert row.pop("rouge2") == 0
    assert row == dict.fromkeys(row, pytest.approx(1))


@settings(max_examples=60, deadline=None)
@given(sentences, st.lists(sentences, max_size=3))
def test_every_score_is_between_0_and_1(prediction: str, references: list[str]) -> None:
    row = score(prediction, references)
    assert tuple(row) == METRICS
    assert all(isinstance(value, float) and 0 <= value <= 1 for value in row.values())
    assert row["exact_match"] <= row["accuracy"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=2))
def test_no_text_breaks_a_score(prediction: str, references: list[str]) -> None:
    assert all(0 <= value <= 1 for value in score(prediction, references).values())


@settings(max_examples=60, deadline=None)
@given(sentences)
def test_identical_text_scores_1(text: str) -> None:
    words = tokens(text)
    assume(words)
    row = score(text, ["something else", text])
    if len(words) == 1:  # no bigram
        row.pop("rouge2")
    assert row == dict.fromkeys(row, pytest.approx(1))


@settings(max_examples=60, deadline=None)
@given(sentences, sentences)
def test_swapping_answer_and_reference(one: str, other: str) -> None:
    assume(one.strip() and other.strip())
    forth, back = score(one, [other]), score(other, [one])
    assert forth["precision"] == back["recall"]
    for name in ("exact_match", "f1", "rouge1", "rouge2", "rougeL"):
        assert forth[name] == pytest.approx(back[name])


@settings(max_examples=40, deadline=None)
@given(sentences, sentences, sentences)
def test_a_further_reference_never_lowers_the_best(text: str, first: str, second: str) -> None:
    alone, both = score(text, [first]), score(text, [first, second])
    # BLEU takes its length from the nearest reference, so this need not hold for it; precision
    # and recall follow the best F1.
    for name in ("exact_match", "accuracy", "f1", "rouge1", "rouge2", "rougeL", "chrf"):
        assert both[name] >= alone[name] - 1e-12


def test_signatures_name_versions_and_do_not_depend_on_past_scores() -> None:
    before = signatures()
    score("a b", ["a", "b", "c"])
    after = signatures()
    assert before == after
    assert tuple(after) == METRICS
    version = f"version:{sacrebleu.__version__}"
    assert after["bleu"].endswith(f"nrefs:var|case:mixed|eff:yes|tok:13a|smooth:exp|{version}")
    assert after["chrf"].endswith(f"nrefs:var|case:mixed|eff:yes|nc:6|nw:0|space:no|{version}")
    assert "stem:porter" in after["rougeL"]
    assert "rouge_score:" in after["rouge1"]
