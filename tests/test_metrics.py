"""The `evaluate` metrics: means of the row scores, offline, without touching the user's cache."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import evaluate
import pytest
from sklearn.metrics import accuracy_score

from eval.metrics import (
    F1,
    Accuracy,
    Bleu,
    Chrf,
    ExactMatch,
    Precision,
    Recall,
    Rouge1,
    Rouge2,
    RougeL,
)
from eval.scores import METRICS, score

CLASSES = (ExactMatch, Accuracy, Precision, Recall, F1, Bleu, Rouge1, Rouge2, RougeL, Chrf)

PREDICTIONS = ["The warranty is 24 months.", "", "東京都です", "blue"]
REFERENCES = [["24 months", "two years"], ["answer"], ["東京都"], []]


def test_there_is_a_class_for_every_metric() -> None:
    assert tuple(one.score_name for one in CLASSES) == METRICS


@pytest.mark.parametrize("metric_class", CLASSES)
def test_the_mean_of_the_rows(metric_class: type[evaluate.Metric]) -> None:
    metric = metric_class()
    assert isinstance(metric, evaluate.Metric)
    name = metric_class.score_name
    rows = [score(*row)[name] for row in zip(PREDICTIONS, REFERENCES, strict=True)]
    expected = {name: pytest.approx(sum(rows) / 4)}
    assert metric.compute(predictions=PREDICTIONS, references=REFERENCES) == expected
    # And again, on the same instance.
    assert metric.compute(predictions=PREDICTIONS, references=REFERENCES) == expected


def test_exact_match_is_sklearns_accuracy_on_labels() -> None:
    given, wanted = ["yes", "no", "no", "yes"], ["yes", "yes", "no", "no"]
    result = ExactMatch().compute(predictions=given, references=[[one] for one in wanted])
    assert result == {"exact_match": accuracy_score(wanted, given)}


@pytest.mark.parametrize(
    ("predictions", "references", "error", "message"),
    [
        (["a", "b"], [["a"]], ValueError, "f1: 2 predictions but 1 lists of references"),
        (["a"], None, ValueError, "1 predictions but 0 lists"),
        (None, [["a"]], ValueError, "0 predictions but 1 lists"),
        ([], [], ValueError, "no predictions"),
        (None, None, ValueError, "no predictions"),
        (["a"], ["a"], TypeError, r"references\[0\] is one text"),
        ([3], [["a"]], ValueError, "expected format"),
    ],
)
def test_bad_input_is_named_and_leaves_the_metric_usable(
    predictions: list[str], references: list[list[str]], error: type[Exception], message: str
) -> None:
    metric = F1()
    with pytest.raises(error, match=message):
        metric.compute(predictions=predictions, references=references)
    assert metric.compute(predictions=["red"], references=[["red"]]) == {"f1": 1.0}


def test_rows_may_be_added_before() -> None:
    metric = ExactMatch()
    metric.add(prediction="red", reference=["red"])
    metric.add_batch(predictions=["red"], references=[["blue"]])
    assert metric.compute() == {"exact_match": 0.5}


def test_instances_do_not_clash() -> None:
    first, second = F1(), F1()
    first.add(prediction="red", reference=["red"])
    second.add(prediction="red", reference=["blue"])
    assert (first.compute(), second.compute()) == ({"f1": 1.0}, {"f1": 0.0})


def test_threads_with_their_own_instances_agree() -> None:
    def computed(_: int) -> dict[str, float]:
        return Chrf().compute(predictions=PREDICTIONS, references=REFERENCES)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(computed, range(8)))
    assert all(result == results[0] for result in results)


def test_no_cache_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", str(tmp_path / "user-cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Bleu().compute(predictions=["a b"], references=[["a b"]])
    assert list(tmp_path.iterdir()) == []
