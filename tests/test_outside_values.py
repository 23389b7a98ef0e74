"""Scores against values from outside: SQuAD's two published scripts, sacrebleu, rouge-score.

SQuAD's rules are written out here as `evaluate-v1.1.py` and `evaluate-v2.0.py` publish them, and the
table's numbers are worked by hand from them; both must agree before the project's score is held
against either.
"""

import re
import string
from collections import Counter

import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from eval.scores import METRICS, bleu, chrf, length_ratio, length_signature, rouge, score


def _squad_words(text: str) -> list[str]:
    kept = "".join(char for char in text.lower() if char not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def _squad(prediction: str, truths: list[str], *, version: int) -> tuple[float, float]:
    """EM and F1 of one answer, the best of its truths, by the script of that version."""
    if version == 2:
        truths = [truth for truth in truths if _squad_words(truth)] or [""]
    pairs = [(_squad_words(prediction), _squad_words(truth)) for truth in truths]
    exact = max(float(given == wanted) for given, wanted in pairs)
    return exact, max(_squad_f1(given, wanted, version=version) for given, wanted in pairs)


def _squad_f1(given: list[str], wanted: list[str], *, version: int) -> float:
    if version == 2 and not (given and wanted):
        return float(given == wanted)
    shared = sum((Counter(given) & Counter(wanted)).values())
    if shared == 0:
        return 0.0
    precision, recall = shared / len(given), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


# prediction, truths, (EM, F1) of v1.1, (EM, F1) of v2.0: by hand.
SQUAD = [
    ("The cat", ["cat."], (1, 1), (1, 1)),
    ("an apple, a pear", ["Apple pear"], (1, 1), (1, 1)),
    ("well-known", ["wellknown"], (1, 1), (1, 1)),
    ("Denver Broncos won", ["Denver Broncos", "Broncos"], (0, 4 / 5), (0, 4 / 5)),
    ("in the year 1066", ["1066"], (0, 1 / 2), (0, 1 / 2)),
    ("yes yes no", ["yes no no"], (0, 2 / 3), (0, 2 / 3)),
    ("red", ["blue"], (0, 0), (0, 0)),
    ("don't", ["dont"], (1, 1), (1, 1)),
    # Where they differ: nothing is left of either.
    ("the", ["a"], (1, 0), (1, 1)),
]


@pytest.mark.parametrize(("prediction", "truths", "v1", "v2"), SQUAD)
def test_squads_published_rules(
    prediction: str, truths: list[str], v1: tuple[float, float], v2: tuple[float, float]
) -> None:
    assert _squad(prediction, truths, version=1) == pytest.approx(v1)
    assert _squad(prediction, truths, version=2) == pytest.approx(v2)
    row = score(prediction, truths)
    assert (row["exact_match"], row["f1"]) == pytest.approx(v1)
    if v1 == v2:
        assert (row["exact_match"], row["f1"]) == pytest.approx(v2)


@pytest.mark.parametrize(("prediction", "v2"), [("", (1, 1)), ("the", (1, 1)), ("blue", (0, 0))])
def test_v2_s_rule_for_questions_without_answer_is_the_accuracy_of_declining(
    prediction: str, v2: tuple[float, float]
) -> None:
    """v2.0 gives an empty answer 1 where there is none; here an arm declines in words, and its
    accuracy says so (eval/results.py). The text metrics of an empty answer are 0."""
    assert _squad(prediction, [], version=2) == v2
    assert score(prediction, []) == dict.fromkeys(METRICS, 0.0)


@pytest.mark.parametrize(("prediction", "truth"), [("$5", "5"), ("5%", "5"), ("3.99", "399")])
def test_where_the_project_is_stricter_than_squad(prediction: str, truth: str) -> None:
    assert _squad(prediction, [truth], version=1) == (1, 1)
    assert score(prediction, [truth])["exact_match"] == 0


TEXTS = [
    ("The reset button is held for ten seconds.", ["Hold the reset button for ten seconds."]),
    ("24 months", ["24 months", "two years"]),
    ("It weighs about 310 grams, says the data sheet.", ["310 grams"]),
    ("completely unrelated words stand here", ["nothing shared at all, really"]),
]


@pytest.mark.parametrize(("prediction", "references"), TEXTS)
def test_sentence_scores_are_the_libraries_own(prediction: str, references: list[str]) -> None:
    own_bleu = sacrebleu.sentence_bleu(prediction, references, use_effective_order=True)
    assert bleu(prediction, references) == pytest.approx(own_bleu.score / 100)
    own_chrf = sacrebleu.sentence_chrf(prediction, references)
    assert chrf(prediction, references) == pytest.approx(own_chrf.score / 100)


def test_one_sentence_of_sacrebleus_corpus_bleu_is_ours() -> None:
    """Of a sentence with 4-grams shared, corpus and sentence BLEU are one number: by hand
    9/9 x 6/8 x 5/7 x 4/6 to the power 1/4, no brevity penalty."""
    given, wanted = "b a c d e f g h i", "a b c d e f g h i"
    corpus = sacrebleu.corpus_bleu([given], [[wanted]]).score / 100
    assert corpus == pytest.approx((9 / 9 * 6 / 8 * 5 / 7 * 4 / 6) ** 0.25)
    assert bleu(given, [wanted]) == pytest.approx(corpus)


def test_corpus_bleu_of_one_word_answers_is_0_where_the_mean_of_sentences_is_1() -> None:
    given = ["Paris", "Rome"]
    assert sacrebleu.corpus_bleu(given, [given]).score == 0
    assert [bleu(one, [one]) for one in given] == pytest.approx([1, 1])


def test_corpus_chrf_of_one_sentence_is_ours() -> None:
    given, wanted = "the parcel came", "the parcels came"
    corpus = sacrebleu.corpus_chrf([given], [[wanted]]).score / 100
    assert chrf(given, [wanted]) == pytest.approx(corpus)


def test_rouge_is_rouge_scores_where_no_article_stands() -> None:
    given, wanted = "police killed gunmen quickly", "police kill gunman in city"
    names = ["rouge1", "rouge2", "rougeL"]
    own = RougeScorer(names, use_stemmer=True).score(wanted, given)
    assert list(rouge(given, [wanted])) == pytest.approx([own[name].fmeasure for name in names])
    # By hand: "police" and "kill" (stemmed) of 4 and 5 words; that pair of 3 and 4 pairs.
    assert list(rouge(given, [wanted])) == pytest.approx([4 / 9, 2 / 7, 4 / 9])


@pytest.mark.parametrize(
    "text",
    [
        "東京都の人口は約千四百万人です。",
        "عاصمة مصر هي القاهرة.",
        "Où est l’élève à Besançon ?",
        "Grüße aus Łódź und Århus",
        "नई दिल्ली भारत की राजधानी है",
        "กรุงเทพมหานคร",
        "yes 👍🏽 sure 👍🏽",
        "ﬁve ℃ ½ cup",
    ],
)
def test_text_of_any_script_scores_1_against_itself(text: str) -> None:
    assert score(text, [text]) == dict.fromkeys(METRICS, pytest.approx(1))
    assert length_ratio(text, [text]) == 1


@pytest.mark.parametrize("word", ["Paris", "القاهرة", "élève", "👍"])
def test_one_word_scores_1_against_itself_but_in_rouge_2_which_has_no_pair(word: str) -> None:
    row = score(word, [word])
    assert row.pop("rouge2") == 0
    assert row == dict.fromkeys(row, pytest.approx(1))


@pytest.mark.parametrize(
    ("prediction", "references", "ratio"),
    [
        ("The warranty is 24 months.", ["24 months"], 4 / 2),
        ("24", ["24 months"], 1 / 2),
        ("", ["24 months"], 0),
        # The nearest is the one it shares words with, whatever its length.
        ("two years", ["24 months exactly", "two years"], 1),
        # None shares a word: the one nearest in length.
        ("red green", ["one two three four", "five six seven"], 2 / 3),
        ("東京都です", ["東京都"], 5 / 3),
        ("words", ["the"], None),
        ("words", [], None),
    ],
)
def test_length_ratio_by_hand(prediction: str, references: list[str], ratio: float | None) -> None:
    assert length_ratio(prediction, references) == (None if ratio is None else pytest.approx(ratio))
    assert "ref:best-f1" in length_signature()
