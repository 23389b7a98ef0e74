"""A corpus is read once, and again when a file of it is another."""

import json
from pathlib import Path

import pytest

from core.errors import CorpusError
from core.settings import Settings
from curation import Curation


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    corpus = tmp_path / "small"
    (corpus / "documents").mkdir(parents=True)
    (corpus / "documents" / "one.md").write_text("The lamp is red.", encoding="utf-8")
    return corpus


@pytest.fixture
def curation(tmp_path: Path) -> Curation:
    return Curation(Settings(state=tmp_path / "state"))


def test_an_unchanged_corpus_is_not_read_again(curation: Curation, folder: Path) -> None:
    assert curation.corpus(str(folder)) is curation.corpus(str(folder))


def test_a_changed_document_is_read_again(curation: Curation, folder: Path) -> None:
    before = curation.corpus(str(folder))
    (folder / "documents" / "one.md").write_text("The lamp is blue.", encoding="utf-8")
    after = curation.corpus(str(folder))
    assert after.documents[0].text == "The lamp is blue."
    assert after.fingerprint != before.fingerprint


def test_a_new_file_and_a_removed_one_are_seen(curation: Curation, folder: Path) -> None:
    curation.corpus(str(folder))
    (folder / "documents" / "two.txt").write_text("The door is green.", encoding="utf-8")
    line = {"id": "q1", "question": "Which colour has the lamp?", "answers": ["red"]}
    (folder / "qa.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    corpus = curation.corpus(str(folder))
    assert [one.id for one in corpus.documents] == ["one", "two"]
    assert len(corpus.questions) == 1
    (folder / "documents" / "two.txt").unlink()
    assert [one.id for one in curation.corpus(str(folder)).documents] == ["one"]


def test_a_corpus_that_was_removed_is_not_answered_from_memory(
    curation: Curation, folder: Path
) -> None:
    curation.corpus(str(folder))
    (folder / "documents" / "one.md").unlink()
    with pytest.raises(CorpusError, match="no documents and no questions"):
        curation.corpus(str(folder))
