"""Questions put in, changed, taken out, merged; and how they are shown."""

import json
from pathlib import Path

import pytest
from conftest import DOCUMENTS, QUESTIONS, write_corpus

from core.corpus.findings import Finding
from core.corpus.question_edits import MergedQuestions
from core.corpus.questions import read_questions
from core.corpus.read import read_corpus
from core.errors import CorpusError
from core.records import Question
from core.storage import folder_stamp
from own_corpora import OwnCorpora
from ui.labels_html import checked, evidence_list, merged, questions_table

HOSTILE = '<img src=x onerror="alert(1)"> <script>alert(2)</script>'
ASKED = {
    "question": "How heavy is the Alpha?", "answers": ["240 grams"], "split": "train",
    "evidence": [{"document": "alpha", "quote": "The Alpha weighs 240 grams."}],
}  # fmt: skip


@pytest.fixture
def own(tmp_path: Path) -> OwnCorpora:
    return OwnCorpora(tmp_path / "state")


@pytest.fixture
def mine(own: OwnCorpora, tmp_path: Path) -> str:
    questions = [{**QUESTIONS[0], "product": "alpha"}, *QUESTIONS[1:]]
    return own.copy(read_corpus(str(write_corpus(tmp_path / "tiny", DOCUMENTS, questions))))


def test_a_question_is_added_changed_and_taken_out(own: OwnCorpora, mine: str) -> None:
    put = own.put_question(mine, ASKED)
    assert put.id == put.fact == "how-heavy-is-the-alpha"
    changed = own.put_question(mine, {**ASKED, "answers": ["240 g"]}, replacing=put.id)
    assert changed.id == put.id
    found = {one.id: one for one in read_corpus(mine).questions}
    assert len(found) == len(QUESTIONS) + 1
    assert found[put.id].answers == ("240 g",)
    assert found[put.id].evidence[0].document == "alpha"
    own.remove_question(mine, put.id)
    assert len(read_corpus(mine).questions) == len(QUESTIONS)
    with pytest.raises(CorpusError, match="any more"):
        own.remove_question(mine, put.id)


def test_what_a_user_added_to_a_line_stays_on_it(own: OwnCorpora, mine: str) -> None:
    name = str(QUESTIONS[0]["id"])
    own.put_question(mine, {**ASKED, "question": "Alpha: reset how long?"}, replacing=name)
    lines = [json.loads(line) for line in (Path(mine) / "qa.jsonl").read_text().splitlines()]
    assert lines[0]["product"] == "alpha"
    assert lines[0]["question"] == "Alpha: reset how long?"
    assert [line["id"] for line in lines] == [one["id"] for one in QUESTIONS]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"question": "  "}, "question: is empty"),
        ({"answers": []}, "needs one"),
        ({"kind": "unanswerable"}, "must have none"),
        ({"kind": "song"}, "kind:"),
        ({"split": "dev"}, "split:"),
        ({"evidence": [{"document": "delta", "quote": "x"}]}, "no document 'delta'"),
        ({"evidence": [{"document": "alpha", "quote": "weighs 999"}]}, "does not hold"),
        ({"question": "alpha RESET, seconds!"}, "asks this already"),
    ],
)
def test_a_wrong_question_is_a_sentence_and_changes_nothing(
    own: OwnCorpora, mine: str, change: dict, told: str
) -> None:
    before = folder_stamp(Path(mine))
    with pytest.raises(CorpusError, match=told):
        own.put_question(mine, {**ASKED, **change})
    assert folder_stamp(Path(mine)) == before


def test_a_file_with_a_broken_line_is_not_rewritten(own: OwnCorpora, mine: str) -> None:
    path = Path(mine) / "qa.jsonl"
    path.write_text(path.read_text() + "{broken\n")
    before = path.read_bytes()
    with pytest.raises(CorpusError, match=r"qa\.jsonl:12: is not JSON"):
        own.put_question(mine, ASKED)
    assert path.read_bytes() == before


def test_an_export_comes_back_with_its_changes_by_id(
    own: OwnCorpora, mine: str, tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in (Path(mine) / "qa.jsonl").read_text().splitlines()]
    lines[0]["answers"] = ["8 s"]
    lines[1]["id"] = "new-one"
    file = tmp_path / "mine.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"id": "x"}\n')
    report = own.import_questions(mine, file)
    assert (report.added, report.updated, report.unchanged, report.removed) == (1, 1, 9, 0)
    assert "line 12: question" in report.skipped[0]
    report = own.import_questions(mine, file, instead=True)
    assert (report.added, report.updated, report.unchanged, report.removed) == (0, 0, 11, 1)
    kept = {one.id: one for one in read_questions(Path(mine) / "qa.jsonl")}
    assert kept["alpha-reset-1"].answers == ("8 s",)
    assert dict(kept["alpha-reset-1"].columns) == {"product": "alpha"}
    assert QUESTIONS[1]["id"] not in kept


def test_a_table_is_merged_and_two_tables_are_not_mixed_up(
    own: OwnCorpora, mine: str, tmp_path: Path
) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("Question;Answer\nWho made it?;Halden\nWithout an answer;\n")
    two.write_text("question,answer\nWhere is it made?,In Bergen\n")
    first = own.import_questions(mine, one)
    assert (first.added, len(first.skipped)) == (1, 1)
    assert own.import_questions(mine, two).added == 1
    assert own.import_questions(mine, one).unchanged == 1
    found = {one.id: one.answers for one in read_corpus(mine).questions}
    assert found["who-made-it"] == ("Halden",)
    assert found["where-is-it-made"] == ("In Bergen",)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", b"words", r"\.jsonl or \.csv"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"one,two\n1,2\n", "no column looks like the question"),
        ("a.jsonl", b"\x00\x01\x02", "a.jsonl"),
        ("a.jsonl", b'{"id": "x", "question": " ", "answers": ["y"]}', "no line can be used"),
    ],
)
def test_a_bad_file_of_questions_changes_nothing(
    own: OwnCorpora, mine: str, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    before = folder_stamp(Path(mine))
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(CorpusError, match=told) as caught:
        own.import_questions(mine, file)
    assert str(tmp_path) not in str(caught.value)
    assert "--" not in str(caught.value), "a page has no options of the command"
    assert folder_stamp(Path(mine)) == before


def test_hostile_questions_are_shown_as_text() -> None:
    hostile = Question(id=HOSTILE, question=HOSTILE, answers=(HOSTILE,), split="test")
    finding = Finding(severity="error", rule="r", place=HOSTILE, message=HOSTILE, fix=HOSTILE)
    shown = (
        questions_table([hostile], "", "")
        + evidence_list([{"document": HOSTILE, "quote": HOSTILE}])
        + merged(MergedQuestions(1, 0, 0, 0, (HOSTILE,)), [finding])
    )
    assert "<img" not in shown and "<script" not in shown
    assert shown.count("&lt;img") == 9
    assert 'onerror="' not in shown, "an attribute cannot be closed either"
    assert "found nothing wrong" in checked([])


def test_questions_are_found_by_their_words_and_split() -> None:
    some = [
        Question(id=f"q{n}", question=f"What is {n}?", answers=("A",), split="test")
        for n in range(70)
    ]
    assert questions_table(some, "", "").count("<tr>") == 61
    assert "and 10 more" in questions_table(some, "", "test")
    assert questions_table(some, "is 69", "").count("data-pick") == 1
    assert "No question has these words" in questions_table(some, "", "train")
    assert "no questions yet" in questions_table([], "", "")
