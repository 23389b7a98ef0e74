"""A revision is the corpus after a change: namesakes replaced, new ones added, some withdrawn."""

from pathlib import Path

import pytest
from conftest import DOCUMENTS, write_corpus

from core.corpus.read import read_corpus
from core.corpus.revisions import read_revision, revision_names
from core.errors import CorpusError


def _reset(seconds: int) -> dict:
    return {
        "id": "beta-reset-2", "question": "The Beta is reset after how many seconds?", "split": "test",
        "answers": [f"Hold the button for {seconds} seconds.", f"{seconds} seconds"], "fact": "beta-reset",
        "evidence": [{"document": "beta", "quote": f"hold the button for {seconds} seconds"}], "kind": "fact",
    }  # fmt: skip


@pytest.fixture
def revised(tiny_corpus: Path) -> Path:
    gamma = {"id": "gamma-1", "question": "Is there a Gamma?", "answers": ["yes"], "split": "test"}
    folder = write_corpus(
        tiny_corpus / "revisions" / "spring",
        {"beta": DOCUMENTS["beta"].replace("12", "20"), "gamma": "# Gamma\n\nThere is a Gamma."},
        [_reset(20), gamma],
    )
    (folder / "revision.toml").write_text('title = "Spring"\nwithdrawn = ["alpha"]')
    return tiny_corpus


def test_the_world_after_a_revision(revised: Path) -> None:
    corpus = read_corpus(str(revised))
    assert revision_names(revised) == ["spring"]
    revision = read_revision(corpus, "spring")
    assert [one.id for one in revision.after.documents] == ["beta", "gamma", "shop/warranty"]
    assert "20 seconds" in next(one.text for one in revision.after.documents if one.id == "beta")
    after = {one.id: one for one in revision.after.questions}
    assert after["beta-reset-2"].answers[1] == "20 seconds"
    assert after["beta-reset-1"].answers[1] == "12 seconds", "rows that are not replaced stay"
    assert not any(name.startswith("alpha") for name in after), "evidence was withdrawn"
    assert "none-1" in after, "a question without evidence stays"
    assert (revision.changed_documents, revision.new_documents) == (("beta",), ("gamma",))
    assert (revision.changed_questions, revision.new_questions) == (("beta-reset-2",), ("gamma-1",))
    assert set(revision.dropped_questions) == {f"alpha-reset-{number}" for number in range(1, 5)}
    assert revision.changed_facts == ("beta-reset",)
    assert revision.before == corpus == read_corpus(str(revised)), "the corpus itself is as it was"
    assert revision.after.fingerprint != corpus.fingerprint


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('withdrawn = ["nowhere"]', r"revision\.toml: withdrawn: 'nowhere' is no document of tiny"),
        ("withdrawn = 3", r"revision\.toml: withdrawn"),
        ("withdrew = []", r"revision\.toml: withdrew"),
        ("withdrawn = ", "is not TOML"),
    ],
)
def test_a_revision_that_cannot_be_read_is_told(revised: Path, toml: str, message: str) -> None:
    (revised / "revisions" / "spring" / "revision.toml").write_text(toml)
    with pytest.raises(CorpusError, match=message):
        read_revision(read_corpus(str(revised)), "spring")


def test_an_unknown_revision_names_the_known_ones(revised: Path) -> None:
    with pytest.raises(CorpusError, match=r"no revision 'summer' \(there are: spring\)"):
        read_revision(read_corpus(str(revised)), "summer")


def test_a_bad_document_of_a_revision_is_told(revised: Path) -> None:
    (revised / "revisions" / "spring" / "documents" / "bad.pdf").write_bytes(b"no")
    with pytest.raises(CorpusError, match=r"bad\.pdf"):
        read_revision(read_corpus(str(revised)), "spring")
