"""Scores one answer against its references, every score between 0 and 1.

A question may have several references: each score is the best any of them gives. An empty answer,
or a question without references, scores 0 throughout.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import NamedTuple
from unicodedata import unidata_version

from sacrebleu.metrics import BLEU, CHRF

from core.normalise import contains, normalise, tokens

METRICS = (
    "exact_match",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "bleu",
    "rouge1",
    "rouge2",
    "rougeL",
    "chrf",
)


class Overlap(NamedTuple):
    """Token overlap of an answer with one reference."""

    precision: float
    recall: float
    f1: float


class Rouge(NamedTuple):
    """ROUGE F-measures of an answer: unigrams, bigrams, longest common subsequence."""

    rouge1: float
    rouge2: float
    rougeL: float  # noqa: N815 - the metric's published name


def score(prediction: str, references: Sequence[str]) -> dict[str, float]:
    """Give every metric of `METRICS` for one answer, in that order."""
    shared = overlap(prediction, references)
    rouges = rouge(prediction, references)
    return {
        "exact_match": exact_match(prediction, references),
        "accuracy": accuracy(prediction, references),
        "precision": shared.precision,
        "recall": shared.recall,
        "f1": shared.f1,
        "bleu": bleu(prediction, references),
        "rouge1": rouges.rouge1,
        "rouge2": rouges.rouge2,
        "rougeL": rouges.rougeL,
        "chrf": chrf(prediction, references),
    }


def exact_match(prediction: str, references: Sequence[str]) -> float:
    """Give 1 where the normalised answer equals a normalised reference (SQuAD v1.1), else 0."""
    if _nothing_to_compare(prediction, references):
        return 0.0
    answer = normalise(prediction)
    return float(any(answer == normalise(reference) for reference in references))


def accuracy(prediction: str, references: Sequence[str]) -> float:
    """Give 1 where the normalised answer equals or contains a reference, else 0.

    An answer that names the right thing within a sentence counts, which exact match denies it.
    """
    if _nothing_to_compare(prediction, references):
        return 0.0
    stated = any(contains(prediction, reference) for reference in references)
    return max(exact_match(prediction, references), float(stated))


def overlap(prediction: str, references: Sequence[str]) -> Overlap:
    """Give SQuAD v1.1's bag-of-tokens overlap with the reference of best F1 (the first of equals).

    Precision and recall are that reference's, so the three numbers belong together.
    """
    if _nothing_to_compare(prediction, references):
        return Overlap(0.0, 0.0, 0.0)
    given = Counter(tokens(prediction))
    found = [_overlap_of(given, Counter(tokens(reference))) for reference in references]
    return max(found, key=lambda one: one.f1)


def bleu(prediction: str, references: Sequence[str]) -> float:
    """Give sacrebleu's sentence BLEU with effective order, over all references together.

    The unit is 1, not sacrebleu's 100. Its standard tokenizer (13a) does not split scripts without
    spaces, so there BLEU is close to an exact match: read chrF or ROUGE instead.
    """
    if _nothing_to_compare(prediction, references):
        return 0.0
    return _fraction(_bleu_scorer().sentence_score(prediction, list(references)).score)


def rouge(prediction: str, references: Sequence[str]) -> Rouge:
    """Give rouge_score's F-measures, each from the reference where it is best.

    The words are `core.normalise.tokens`, stemmed, so unlike rouge_score's own tokenizer articles
    are dropped and other scripts than Latin are scored. A one-word answer or reference has no
    bigram, and its ROUGE-2 is 0.
    """
    if _nothing_to_compare(prediction, references):
        return Rouge(0.0, 0.0, 0.0)
    from eval.rouge import rouge_scorer  # noqa: PLC0415  (NLTK is slow to import)

    best = rouge_scorer(Rouge._fields).score_multi(list(references), prediction)
    return Rouge(*(float(best[name].fmeasure) for name in Rouge._fields))


def chrf(prediction: str, references: Sequence[str]) -> float:
    """Give sacrebleu's sentence chrF (character 6-grams, beta 2) of the best reference.

    The unit is 1, not sacrebleu's 100.
    """
    if _nothing_to_compare(prediction, references):
        return 0.0
    return _fraction(_chrf_scorer().sentence_score(prediction, list(references)).score)


def length_ratio(prediction: str, references: Sequence[str]) -> float | None:
    """Give the answer's number of words to that of the nearest reference.

    Nearest is the reference of best F1, of equals the one nearest in length. Words are
    `core.normalise.tokens`. Above 1 the answer says more than was asked; copying the references'
    style gives 1, and with it a better BLEU and ROUGE. An empty answer gives 0; None where no
    reference has a word.
    """
    given = Counter(tokens(prediction))
    wanted = [found for one in references if (found := Counter(tokens(one)))]
    if not wanted:
        return None
    length = given.total()
    nearest = max(wanted, key=lambda one: (_overlap_of(given, one).f1, -abs(one.total() - length)))
    return length / nearest.total()


def signatures() -> dict[str, str]:
    """Give for each metric the settings and versions behind its number, as sacrebleu does."""
    squad = f"squad:1.1|punct:P|cjk:char|unicode:{unidata_version}"
    rouge_settings = f"{squad}|stem:porter|f:best|rouge_score:{version('rouge-score')}"
    rouge_settings += f"|nltk:{version('nltk')}"
    # A fresh scorer each time: scoring writes the number of references into the scorer, and
    # here that number varies from question to question, which sacrebleu spells as -1.
    bleu_scorer, chrf_scorer = _new_bleu(), CHRF()
    bleu_scorer.num_refs = chrf_scorer.num_refs = -1
    return {
        "exact_match": f"match:equal|{squad}",
        "accuracy": f"match:equal-or-contains|{squad}",
        "precision": f"tokens:bag|ref:best-f1|{squad}",
        "recall": f"tokens:bag|ref:best-f1|{squad}",
        "f1": f"tokens:bag|ref:best-f1|{squad}",
        "bleu": f"sacrebleu:sentence|{bleu_scorer.get_signature()}",
        "rouge1": rouge_settings,
        "rouge2": rouge_settings,
        "rougeL": rouge_settings,
        "chrf": f"sacrebleu:sentence|{chrf_scorer.get_signature()}",
    }


def length_signature() -> str:
    """Give the settings behind `length_ratio`."""
    return f"words:answer/reference|ref:best-f1|squad:1.1|cjk:char|unicode:{unidata_version}"


def _nothing_to_compare(prediction: str, references: Sequence[str]) -> bool:
    """Say whether the answer is blank or there is no reference.

    Raises TypeError for a bare string as references: its letters would pass for references.
    """
    if isinstance(references, str):
        raise TypeError("references must be a list of texts, not one text: write [reference]")
    return not references or not prediction.strip()


def _overlap_of(given: Counter[str], wanted: Counter[str]) -> Overlap:
    """Compare two bags of tokens; without a shared token all three numbers are 0."""
    shared = (given & wanted).total()
    if shared == 0:
        return Overlap(0.0, 0.0, 0.0)
    precision, recall = shared / given.total(), shared / wanted.total()
    # 2PR / (P + R) written with counts, which is exactly 1 for equal bags.
    return Overlap(precision, recall, 2 * shared / (given.total() + wanted.total()))


def _fraction(percent: float) -> float:
    """Bring 0..100 to 0..1; rounding in the library may exceed 100 by an ulp."""
    return min(1.0, max(0.0, percent / 100))


def _new_bleu() -> BLEU:
    return BLEU(effective_order=True)


@cache
def _bleu_scorer() -> BLEU:
    return _new_bleu()


@cache
def _chrf_scorer() -> CHRF:
    return CHRF()
