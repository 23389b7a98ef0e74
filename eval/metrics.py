"""The project's scores as metrics of Hugging Face's `evaluate`, made without its hub.

Instantiate a class (`F1()`) rather than `evaluate.load` a name: nothing is fetched. Every metric
takes `predictions` (texts) and `references` (for each prediction a list of texts), and gives the
mean of the rows' scores, between 0 and 1, under the metric's name.
"""

from abc import abstractmethod
from collections.abc import Sequence
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import evaluate
from datasets import Features, Value
from datasets import Sequence as ListOf

from eval import scores

_CITATION = {
    "squad": "Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text",
    "bleu": "Post 2018, A Call for Clarity in Reporting BLEU Scores",
    "rouge": "Lin 2004, ROUGE: A Package for Automatic Evaluation of Summaries",
    "chrf": "Popović 2015, chrF: character n-gram F-score for automatic MT evaluation",
}


class _MeanOfRows(evaluate.Metric):
    """Averages one score over rows; a subclass names the score and gives it for a row."""

    score_name: str
    citation_key: str

    def __init__(self) -> None:
        # evaluate makes a folder for its cache even where it keeps all rows in memory, as here. A
        # short-lived one leaves the user's cache untouched and keeps instances from clashing.
        with TemporaryDirectory(prefix="metric-") as folder:
            super().__init__(keep_in_memory=True, cache_dir=folder, seed=0)

    @abstractmethod
    def row(self, prediction: str, references: Sequence[str]) -> float:
        """Give the score of one prediction, between 0 and 1."""

    def compute(
        self,
        *,
        predictions: Sequence[str] | None = None,
        references: Sequence[Sequence[str]] | None = None,
    ) -> dict[str, float]:
        """Give `{name: mean}` over all rows, or over those added before where none are given.

        Raises ValueError where there is no prediction, or not one list of references for each,
        and TypeError where a row's references are one text instead of a list.
        """
        if predictions is not None or references is not None or len(self) == 0:
            # evaluate checks this only once rows are written, and accepts no rows at all.
            self._check(
                () if predictions is None else predictions,
                () if references is None else references,
            )
        result: dict[str, float] = evaluate.Metric.compute(
            self, predictions=predictions, references=references
        )
        return result

    def _check(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> None:
        given, wanted = len(predictions), len(references)
        if given != wanted:
            raise ValueError(
                f"{self.score_name}: {given} predictions but {wanted} lists of references; "
                "give one list for each prediction"
            )
        if given == 0:
            raise ValueError(f"{self.score_name}: no predictions, so there is no mean to give")
        for number, row in enumerate(references):
            if isinstance(row, str):
                raise TypeError(
                    f"{self.score_name}: references[{number}] is one text; write [text]"
                )

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=f"Mean {self.score_name} over rows, between 0 and 1.",
            citation=_CITATION[self.citation_key],
            inputs_description="\npredictions: texts. references: a list of texts for each.",
            features=Features(
                {"predictions": Value("string"), "references": ListOf(Value("string"))}
            ),
        )

    def _compute(
        self, *, predictions: Sequence[str], references: Sequence[Sequence[str]]
    ) -> dict[str, Any]:
        rows = zip(predictions, references, strict=True)
        return {self.score_name: fmean(self.row(given, wanted) for given, wanted in rows)}


class ExactMatch(_MeanOfRows):
    """Share of answers equal to a reference once both are normalised."""

    score_name = "exact_match"
    citation_key = "squad"

    def row(self, prediction: str, references: Sequence[str]) -> float:
        """Give the row's exact_match."""
        return scores.exact_match(prediction, references)


class Accuracy(_MeanOfRows):
    """Share of answers that equal or contain a reference."""

    score_name = "accuracy"
    citation_key = "squad"

    def row(self, prediction: str, references: Sequence[str]) -> float:
        """Give the row's accuracy."""
        return scores.accuracy(prediction, references)


class Precision(_MeanOfRows):
    """Share of the answer's tokens that the reference of best F1 has."""

    score_name = "precision"
    citation_key = "squad"

    def row(self, prediction: str, references: Sequence[str]) -> float:
        """Give the row's precision."""
        return scores.overlap(prediction, references).precision


class Recall(_MeanOfRows):
    """Share of the tokens of the reference of best F1 that the answer has."""

    score_name = "recall"
    citation_key = "squad"

    def row(self, prediction: str, references: Sequence[str]) -> float:
        """Give the row's recall."""
        return scores.overlap(prediction, references).recall


class F1(_MeanOfRows):
    """Harmonic mean of token precision and recall."""

    score_name = "f1"
    citation_key = "squad"

    def row(self, prediction: str, references: Sequence[str]) -> float:
        """Give the row's f1."""
        return scores.overlap(prediction, references).f1


class Bleu(_MeanOfRows):
    """Mean of sentence BLEU; not corpus BLEU, which no row could be given for."""

    score_name = "bleu"
    citation_key = "bleu"

    def row(self, prediction: str, references: Sequence[str]) -> float:
        """Give the row's bleu."""
        return scores.bleu(prediction, references)


class Rouge1(_MeanOfRows):
    """F-measure of shared words."""

    score_name = "rouge1"
    citation_key = "rouge"

    def row(self, prediction: str, references: Sequence[str]) -> float:
        """Give the row's rouge1."""
        return scores.rouge(prediction, references).rouge1


class Rouge2(_MeanOfRows):
    """F-measure of shared pairs of words."""

    score_name = "rouge2"
    citation_key = "rouge"

    def row(self, prediction: str, references: Sequence[str]) -> float:
        """Give the row's rouge2."""
        return scores.rouge(prediction, references).rouge2


class RougeL(_MeanOfRows):
    """F-measure of the longest common subsequence of words."""

    score_name = "rougeL"
    citation_key = "rouge"

    def row(self, prediction: str, references: Sequence[str]) -> float:
        """Give the row's rougeL."""
        return scores.rouge(prediction, references).rougeL


class Chrf(_MeanOfRows):
    """Mean of sentence chrF, the F-score of shared character n-grams."""

    score_name = "chrf"
    citation_key = "chrf"

    def row(self, prediction: str, references: Sequence[str]) -> float:
        """Give the row's chrf."""
        return scores.chrf(prediction, references)
