"""What is open stays open while nothing changes, and answers while another process changes it."""

import shutil
import time
from pathlib import Path

import pytest
from filelock import FileLock

from core.corpus.read import read_corpus
from core.errors import RetrievalUnavailable, VectorIndexError
from core.settings import Settings
from workbench import Workbench


@pytest.fixture
def workbench(settings: Settings) -> Workbench:
    return Workbench(settings)


def test_an_index_is_opened_once_until_a_document_changes(
    workbench: Workbench, tiny_corpus: Path
) -> None:
    before = workbench.library(read_corpus(str(tiny_corpus)))
    assert workbench.library(read_corpus(str(tiny_corpus))) is before
    (tiny_corpus / "documents" / "beta.md").write_text("# Beta\n\nThe Beta is blue now.\n")
    after = workbench.library(read_corpus(str(tiny_corpus)))
    assert after is not before
    assert "blue" in after.retriever.retrieve("Which colour is the Beta?", 1)[0].passage.text
    # Who has the old one open goes on with it.
    texts = [hit.passage.text for hit in before.retriever.retrieve("How heavy is the Beta?", 5)]
    assert any("520 grams" in text for text in texts)


def test_while_another_process_indexes_the_old_index_answers_at_once(
    workbench: Workbench, settings: Settings, tiny_corpus: Path
) -> None:
    corpus = read_corpus(str(tiny_corpus))
    before = workbench.library(corpus)
    (tiny_corpus / "documents" / "new.md").write_text("# New\n\nIt is new.\n")
    with FileLock(settings.state / "indexes" / f".{corpus.name}.lock"):
        began = time.monotonic()
        during = workbench.library(read_corpus(str(tiny_corpus)))
        assert time.monotonic() - began < 5
    assert during.retriever.fingerprint == before.retriever.fingerprint
    now = workbench.library(read_corpus(str(tiny_corpus)))
    assert now.retriever.fingerprint != before.retriever.fingerprint


def test_a_store_that_is_away_names_itself_and_base_still_answers(
    workbench: Workbench, settings: Settings, tiny_corpus: Path
) -> None:
    corpus = read_corpus(str(tiny_corpus))
    workbench.index(str(tiny_corpus))
    home = settings.state / "indexes" / corpus.name
    segment = next(home.rglob("vectors-*.faiss"))
    segment.unlink()
    with pytest.raises(VectorIndexError, match="damaged or incomplete"):
        workbench.library(corpus)
    reasons = workbench.arms(str(tiny_corpus)).unavailable()
    assert "damaged or incomplete" in reasons["rag"]
    assert "base" not in reasons
    [answer] = [
        one.answer
        for one in workbench.ask(str(tiny_corpus), "how long ?", ["base"])
        if one.answer is not None
    ]
    assert answer.arm == "base"
    # The whole folder gone is no damage: it is indexed again.
    shutil.rmtree(home)
    assert workbench.library(corpus).retriever.retrieve("reset the Beta", 1)


def test_a_corpus_without_documents_has_nothing_to_look_up(
    workbench: Workbench, tmp_path: Path
) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "qa.jsonl").write_text('{"id": "a", "question": "what ?", "answers": ["it"]}\n')
    with pytest.raises(RetrievalUnavailable, match="only base and sft can answer"):
        workbench.library(read_corpus(str(folder)))


def test_the_doctor_names_each_index(workbench: Workbench, tiny_corpus: Path) -> None:
    assert workbench.doctor()["indexes"] == {}
    workbench.index(str(tiny_corpus))
    [told] = workbench.doctor()["indexes"].values()
    assert told.startswith("5 passages of 3 documents; Flat of 384 dimensions; made with embedded:")
