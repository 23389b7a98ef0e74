"""The check finds what makes training or scores wrong, names the place, and says what to do."""

from pathlib import Path
from typing import Any

import pytest
from conftest import write_corpus

from core.corpus.check import Finding, check_corpus, corpus_counts
from core.corpus.read import built_in_corpora, read_corpus

LONG = "The Alpha weighs 240 grams. " * 8
DOCUMENTS = {"one": LONG}


def _line(name: str, text: str, split: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "question": text, "answers": ["240 grams"], "split": split, **fields}


#: One question a split, so that no finding is about an empty one.
CLEAN = [
    _line("a", "How heavy is it?", "train", evidence=[{"document": "one", "quote": "240 grams"}]),
    _line("b", "What does it weigh?", "validation"),
    _line("c", "Its weight?", "test"),
]


def _check(folder: Path, documents: dict[str, str], questions: list[dict]) -> list[Finding]:
    return check_corpus(read_corpus(str(write_corpus(folder / "c", documents, questions))))


def test_a_clean_corpus_has_no_findings(tmp_path: Path) -> None:
    assert _check(tmp_path, DOCUMENTS, CLEAN) == []


@pytest.mark.parametrize(
    ("line", "severity", "message"),
    [
        (_line("d", "how  heavy is IT?", "test"), "error", "asks what a asks, in test and train"),
        (
            _line("d", "How heavy is it?", "train", answers=["250 grams"]),
            "error",
            "asks what a asks and answers otherwise",
        ),
        (_line("d", "How heavy is it?", "train"), "warning", "repeats a"),
        (
            _line("d", "And now?", "train", evidence=[{"document": "gone", "quote": "x"}]),
            "error",
            "names the document 'gone', which is not there",
        ),
        (
            _line("d", "And now?", "train", evidence=[{"document": "one", "quote": "250 grams"}]),
            "error",
            "quotes '250 grams', which is not in one",
        ),
    ],
)
def test_a_question_that_spoils_a_score_is_found(
    tmp_path: Path, line: dict, severity: str, message: str
) -> None:
    (found,) = _check(tmp_path, DOCUMENTS, [*CLEAN, line])
    assert (found.place, found.severity) == ("d", severity)
    assert message in found.message
    assert found.fix


def test_a_short_document_and_an_empty_split_are_warnings(tmp_path: Path) -> None:
    found = _check(tmp_path, {**DOCUMENTS, "stub": "Too short."}, CLEAN[:2])
    assert {(one.severity, one.place) for one in found} == {
        ("warning", "stub.md"),
        ("warning", "qa.jsonl"),
    }
    assert any("no test questions" in one.message for one in found)


def test_errors_come_first(tmp_path: Path) -> None:
    bad = _line("d", "Q?", "train", evidence=[{"document": "gone", "quote": "x"}])
    found = _check(tmp_path, {"stub": "Too short."}, [bad])
    severities = [one.severity for one in found]
    assert severities == sorted(severities) and severities[0] == "error"


def test_documents_alone_need_no_splits(tmp_path: Path) -> None:
    assert _check(tmp_path, DOCUMENTS, []) == []


def test_the_counts_are_the_corpus_s(tiny_corpus: Path) -> None:
    counts = corpus_counts(read_corpus(str(tiny_corpus)))
    assert (counts["documents"], counts["questions"]) == (3, sum(counts["by_kind"].values()))
    assert counts["by_split"] == {"train": 5, "validation": 1, "test": 5}
    assert counts["by_exposure"] == {"reworded": 2, "untrained": 3}
    assert counts["facts"] == 7


@pytest.mark.parametrize("name", [*built_in_corpora(), "general-knowledge"])
def test_built_in_corpora_have_no_errors(name: str) -> None:
    findings = check_corpus(read_corpus(name))
    assert [one for one in findings if one.severity == "error"] == []
