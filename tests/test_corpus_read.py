"""A corpus is read whole, or an error names the file, the line and the field."""

import json
import re
from pathlib import Path

import pytest
from conftest import DOCUMENTS, QUESTIONS, write_corpus

from core.corpus.read import read_corpus
from core.errors import CorpusError

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
        (json.dumps({**GOOD, "id": 7}), r"qa\.jsonl:2: id: "),
        (json.dumps({**GOOD, "id": ""}), r"qa\.jsonl:2: id: "),
        (json.dumps({**GOOD, "id": "b", "answers": "8 seconds"}), r"qa\.jsonl:2: answers: "),
        (json.dumps({**GOOD, "id": "b", "fact": None}), r"qa\.jsonl:2: fact: "),
        (json.dumps({**GOOD, "id": "b", "question": "\ud800"}), r"qa\.jsonl:2: question: .* half"),
        ("[" * 100_000, r"qa\.jsonl:2: is not JSON"),
        ('{"id": ' + "9" * 5000 + "}", r"qa\.jsonl:2: is not JSON"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    folder = write_corpus(tmp_path / "bad", {"one": "Some text."}, [])
    (folder / "qa.jsonl").write_text(json.dumps(GOOD) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=message) as raised:
        read_corpus(str(folder))
    assert str(raised.value).startswith(str(folder)), "the whole path, to click on"
    assert "\n" not in str(raised.value)


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


def test_a_field_of_the_user_s_own_is_no_error_and_empty_lines_count(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c", {}, [])
    own = {**GOOD, "reviewer": "me"}
    (folder / "qa.jsonl").write_text("\ufeff\n" + json.dumps(own) + "\r\n\n{oops\n")
    with pytest.raises(CorpusError, match=r"qa\.jsonl:4: is not JSON"):
        read_corpus(str(folder))
    (folder / "qa.jsonl").write_text("\ufeff\n" + json.dumps(own) + "\r\n\n")
    (question,) = read_corpus(str(folder)).questions
    assert (question.id, question.kind, question.fact) == ("a", "fact", "a")
    assert question.split is not None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.md", b" \n", "holds no text"),
        ("empty.html", b"<p> </p>", "holds no text"),
        ("broken.pdf", b"%PDF-1.4 and no more", "is no readable PDF"),
        ("broken.docx", b"no zip", r"is no readable \.docx"),
    ],
)
def test_a_document_that_cannot_be_used_is_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    folder = write_corpus(tmp_path / "c", {"one": "text"}, [])
    (folder / "documents" / name).write_bytes(content)
    corpus = read_corpus(str(folder))
    assert [one.id for one in corpus.documents] == ["one"]
    (problem,) = corpus.problems
    assert re.search(f"{name}: {message}", problem)


def test_two_files_of_one_id_are_told_and_the_first_is_taken(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c", {"one": "text"}, [])
    (folder / "documents" / "one.txt").write_text("other text")
    corpus = read_corpus(str(folder))
    assert [one.text for one in corpus.documents] == ["text"]
    (problem,) = corpus.problems
    assert "one.txt: has the id 'one' of one.md" in problem


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("caf\u00e9\r\nb".encode(), "caf\u00e9\nb"),
        ("\ufeffcaf\u00e9".encode(), "caf\u00e9"),
        ("caf\u00e9".encode("utf-16"), "caf\u00e9"),
        ("caf\u00e9 \u201eso\u201c".encode("cp1252"), "caf\u00e9 \u201eso\u201c"),
    ],
)
def test_text_is_read_in_the_encoding_it_was_saved_in(
    tmp_path: Path, content: bytes, text: str
) -> None:
    folder = write_corpus(tmp_path / "c", {"one": "x"}, [])
    (folder / "documents" / "one.md").write_bytes(content)
    assert read_corpus(str(folder)).documents[0].text == text


def test_either_half_of_a_corpus_is_enough(tmp_path: Path) -> None:
    questions = read_corpus(str(write_corpus(tmp_path / "q", {}, [GOOD])))
    assert (len(questions.documents), len(questions.questions)) == (0, 1)
    documents = read_corpus(str(write_corpus(tmp_path / "d", {"one": "text"}, [])))
    assert (len(documents.documents), len(documents.questions)) == (1, 0)


@pytest.mark.parametrize("reference", ["", "nowhere", "../halden", "/halden", "a\0b", "~/c"])
def test_a_reference_to_nothing_names_the_built_in_ones(reference: str) -> None:
    with pytest.raises(CorpusError, match=r"There is no corpus .*halden"):
        read_corpus(reference)


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
