"""A corpus is read whole, or an error names the file, the line and the field."""

import json
from pathlib import Path

import pytest
from conftest import DOCUMENTS, QUESTIONS, write_corpus
from hypothesis import given
from hypothesis import strategies as st

from core.corpus.check import check_corpus
from core.corpus.read import built_in_corpora, read_corpus
from core.corpus.split import with_splits
from core.errors import CorpusError
from core.records import Question

GOOD = {"id": "a", "question": "How long?", "answers": ["8 seconds"]}


def test_the_contract_s_folder_is_read(tiny_corpus: Path) -> None:
    corpus = read_corpus(str(tiny_corpus))
    assert corpus.name == "tiny"
    assert {one.id for one in corpus.documents} == set(DOCUMENTS)
    assert len(corpus.questions) == len(QUESTIONS)
    assert corpus.exposures["alpha-reset-4"] == "reworded"
    assert corpus.exposures["beta-weight-1"] == "untrained"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{not json", r"qa\.jsonl:2: is not JSON"),
        ("[1, 2]", r"qa\.jsonl:2: is list, not an object"),
        (json.dumps({**GOOD, "id": "b", "kind": "riddle"}), r"qa\.jsonl:2: kind: "),
        (json.dumps({**GOOD, "id": "b", "split": "exam"}), r"qa\.jsonl:2: split: "),
        (json.dumps({**GOOD, "id": "b", "question": "  "}), r"qa\.jsonl:2: question: is empty"),
        (json.dumps({**GOOD, "id": "b", "answers": [""]}), r"qa\.jsonl:2: answers: "),
        (json.dumps({**GOOD, "id": "b", "answers": []}), r"qa\.jsonl:2: answers: .* needs one"),
        (json.dumps({**GOOD, "id": "b", "kind": "unanswerable"}), r"qa\.jsonl:2: answers: .* none"),
        (json.dumps({"question": "Q?", "answers": ["A"]}), r"qa\.jsonl:2: id: "),
        (json.dumps(GOOD), r"qa\.jsonl:2: id: 'a' is already taken by line 1"),
        (json.dumps({**GOOD, "id": "b", "evidence": [{"quote": "x"}]}), r"qa\.jsonl:2: evidence"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    folder = write_corpus(tmp_path / "bad", {"one": "Some text."}, [])
    (folder / "qa.jsonl").write_text(json.dumps(GOOD) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        read_corpus(str(folder))


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="There is no corpus 'nowhere'"):
        read_corpus("nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="no documents and no questions"):
        read_corpus(str(tmp_path / "empty"))
    folder = write_corpus(tmp_path / "latin", {"one": "text"}, [])
    (folder / "qa.jsonl").write_bytes(b'{"id": "\xff"}\n')
    with pytest.raises(CorpusError, match="is not UTF-8"):
        read_corpus(str(folder))
    (folder / "qa.jsonl").unlink()
    (folder / "corpus.toml").write_text("title = ")
    with pytest.raises(CorpusError, match=r"corpus\.toml: is not TOML"):
        read_corpus(str(folder))
    (folder / "corpus.toml").write_text("titel = 'x'")
    with pytest.raises(CorpusError, match=r"corpus\.toml: titel"):
        read_corpus(str(folder))


def test_line_separators_inside_a_string_end_no_line(tmp_path: Path) -> None:
    question = {**GOOD, "question": "one\u2028two"}
    folder = write_corpus(tmp_path / "c", {}, [question, {**question, "id": "b"}])
    assert len(read_corpus(str(folder)).questions) == 2


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("the password")
    folder = write_corpus(tmp_path / "c", {"one": "text"}, [])
    (folder / "documents" / "two.md").symlink_to(tmp_path / "secret.md")
    texts = [document.text for document in read_corpus(str(folder)).documents]
    assert texts == ["text"]


def test_a_fingerprint_changes_with_every_part(tiny_corpus: Path) -> None:
    seen = {read_corpus(str(tiny_corpus)).fingerprint}
    (tiny_corpus / "documents" / "alpha.md").write_text("# Alpha\n\nOther words.\n")
    seen.add(read_corpus(str(tiny_corpus)).fingerprint)
    (tiny_corpus / "corpus.toml").write_text('title = "T"')
    seen.add(read_corpus(str(tiny_corpus)).fingerprint)
    with (tiny_corpus / "qa.jsonl").open("a") as file:
        file.write(json.dumps({**GOOD, "id": "new"}) + "\n")
    seen.add(read_corpus(str(tiny_corpus)).fingerprint)
    assert len(seen) == 4


@given(
    facts=st.lists(st.integers(0, 30), min_size=1, max_size=120),
    seed=st.integers(0, 5),
)
def test_splitting_never_puts_a_fact_into_two_splits(facts: list[int], seed: int) -> None:
    questions = [
        Question(id=str(i), question="Q?", answers=("A",), fact=f"f{fact}")
        for i, fact in enumerate(facts)
    ]
    done = with_splits(questions, seed=seed)
    assert [one.id for one in done] == [one.id for one in questions]
    of_fact: dict[str, set[str | None]] = {}
    for one in done:
        of_fact.setdefault(one.fact, set()).add(one.split)
    assert all(len(splits) == 1 and None not in splits for splits in of_fact.values())
    assert with_splits(questions, seed=seed) == done


def test_check_finds_what_would_make_scores_wrong(tmp_path: Path) -> None:
    bad = [
        {**GOOD, "id": "1", "split": "train", "evidence": [{"document": "one", "quote": "absent"}]},
        {**GOOD, "id": "2", "split": "test", "evidence": [{"document": "gone", "quote": "x"}]},
        {**GOOD, "id": "3", "split": "test"},
    ]
    folder = write_corpus(tmp_path / "c", {"one": "Some text."}, bad)
    messages = [f"{one.place} {one.message}" for one in check_corpus(read_corpus(str(folder)))]
    assert any("absent" in one or "quote" in one for one in messages)
    assert any("gone" in one for one in messages)
    # The same question is trained and tested: a leak.
    assert any("1" in one and ("train" in one or "same" in one) for one in messages)


@pytest.mark.parametrize("name", [*built_in_corpora(), "general-knowledge"])
def test_built_in_corpora_have_no_errors(name: str) -> None:
    findings = check_corpus(read_corpus(name))
    assert [one for one in findings if one.severity == "error"] == []


def test_halden_is_large_enough_to_argue_over() -> None:
    corpus = read_corpus("halden")
    assert len(corpus.documents) >= 25
    assert len(corpus.questions) >= 250
    kinds = {question.kind for question in corpus.of_split("test")}
    assert kinds == {"fact", "procedure", "multi_hop", "unanswerable", "refusal"}
    assert set(corpus.exposures.values()) == {"reworded", "untrained"}
    general = read_corpus("general-knowledge")
    assert len(general.of_split("train")) >= 100
    assert len(general.of_split("test")) >= 150
