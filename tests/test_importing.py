"""What people have becomes a corpus folder: SQuAD, JSON Lines, CSV, datasets, in odd encodings."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.corpus.check import check_folder
from core.corpus.encoding import detect_encoding
from core.corpus.imports.columns import map_columns
from core.corpus.imports.dataset import import_dataset
from core.corpus.imports.folder import evidence_of, slug
from core.corpus.imports.squad import import_squad
from core.corpus.imports.tables import TableOptions, import_csv, import_jsonl
from core.corpus.read import Corpus, read_corpus
from core.errors import CorpusError, StorageError

CONTEXT = (
    "The Panthers defense gave up just 308 points, ranking sixth in the league. "
    "Kawann Short led the team with 11 sacks! He also forced three fumbles.\n"
    "Jared Allen is the active career sack leader with 136."
)
#: The nesting of the published files, with what occurs in them: several annotators' answers, a wrong
#: offset, an impossible question with plausible answers, an underscored title.
SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Super_Bowl_50",
            "paragraphs": [
                {
                    "context": CONTEXT,
                    "qas": [
                        {"id": "q1", "question": "How many points did the defense surrender?",
                         "answers": [{"text": "308", "answer_start": 34}, {"text": "308", "answer_start": 34},
                                     {"text": "308 points", "answer_start": 34}], "is_impossible": False},
                        {"id": "q2", "question": "Who coached them?", "answers": [], "is_impossible": True,
                         "plausible_answers": [{"text": "Kawann Short", "answer_start": 76}]},
                        {"id": "q3", "question": "How many career sacks had Allen?",
                         "answers": [{"text": "136", "answer_start": 3}]},
                    ],
                },
                {"context": "Denver won the game 24 to 10.",
                 "qas": [{"id": "q1", "question": "Who won?", "answers": [{"text": "Denver", "answer_start": 0}]},
                         {"id": "q5", "question": " ", "answers": [{"text": "Denver", "answer_start": 0}]},
                         {"id": "q6", "question": "No answer?", "answers": []}]},
            ],
        },
        {"title": "Empty", "paragraphs": []},
        {"title": "Super_Bowl_50", "paragraphs": [{"context": "Another article of that name.", "qas": []}]},
    ],
}  # fmt: skip


def _squad(folder: Path, content: object = SQUAD, encoding: str = "utf-8") -> Path:
    path = folder / "squad.json"
    path.write_bytes(json.dumps(content, ensure_ascii=False).encode(encoding))
    return path


def _clean(folder: Path) -> Corpus:
    errors = [one for one in check_folder(str(folder)).findings if one.severity == "error"]
    assert errors == []
    return read_corpus(str(folder))


def test_squad_becomes_documents_and_questions_with_their_sentence(tmp_path: Path) -> None:
    report = import_squad(_squad(tmp_path), tmp_path / "c")
    corpus = _clean(tmp_path / "c")
    assert (report.documents, report.questions) == (2, 4)
    assert report.by_kind == {"fact": 3, "unanswerable": 1}
    assert [one.id for one in corpus.documents] == ["super-bowl-50", "super-bowl-50-2"]
    assert (
        corpus.documents[0].text
        == f"# Super Bowl 50\n\n{CONTEXT}\n\nDenver won the game 24 to 10.\n"
    )
    by_id = {one.id: one for one in corpus.questions}
    assert set(by_id) == {"q1", "q2", "q3", "q1-2"}
    assert by_id["q1"].answers == ("308", "308 points")
    assert by_id["q1"].evidence[0].quote == CONTEXT.split(". ", maxsplit=1)[0] + "."
    assert (by_id["q2"].kind, by_id["q2"].answers, by_id["q2"].evidence) == ("unanswerable", (), ())
    assert by_id["q3"].evidence[0].quote == CONTEXT.split("\n")[1]
    assert all(one.split for one in corpus.questions), "split by fact"
    assert report.skipped == 3
    assert any("article 2: has no context" in reason for reason in report.reasons)
    assert any("q6 has no answer" in reason for reason in report.reasons)


def test_squad_of_one_split(tmp_path: Path) -> None:
    report = import_squad(_squad(tmp_path), tmp_path / "c", split="test")
    assert report.by_split == {"test": 4}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "has no list `data`"),
        ({"data": []}, "has no list `data`"),
        ({"data": [3, {"title": "x"}]}, "nothing in it could be used"),
        ({"questions": [{"q": 1}]}, "has no list `data`"),
    ],
)
def test_what_is_no_squad_is_refused_and_leaves_nothing(
    tmp_path: Path, content: object, message: str
) -> None:
    source = _squad(tmp_path, content)
    with pytest.raises(CorpusError, match=message):
        import_squad(source, tmp_path / "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["squad.json"]


@pytest.mark.parametrize("cut", [0, 1, 40, 300, 900, -1])
def test_a_truncated_file_is_refused_and_leaves_nothing(tmp_path: Path, cut: int) -> None:
    source = _squad(tmp_path)
    source.write_bytes(source.read_bytes()[:cut])
    with pytest.raises(CorpusError, match="is not JSON"):
        import_squad(source, tmp_path / "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["squad.json"]


UMLAUTS = {"data": [{"title": "Größe", "paragraphs": [{"context": "Die Tür ist für Jürgen größer als für Änne. " * 4,
    "qas": [{"id": "1", "question": "Für wen ist die Tür größer?", "answers": [{"text": "Jürgen", "answer_start": 16}]}]}]}]}  # fmt: skip


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "mac_roman"]
)  # fmt: skip
def test_a_source_is_read_in_the_encoding_it_was_saved_in(tmp_path: Path, encoding: str) -> None:
    source = _squad(tmp_path, UMLAUTS, encoding)
    import_squad(source, tmp_path / "c")
    corpus = read_corpus(str(tmp_path / "c"))
    assert corpus.questions[0].question == "Für wen ist die Tür größer?"
    assert corpus.documents[0].id == "grösse"
    assert corpus.questions[0].evidence[0].quote in corpus.documents[0].text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("вопрос;ответ\nСколько длится гарантия?;Гарантия длится 24 месяца.\n", "cp1251"),
        ("вопрос;ответ\nСколько длится гарантия?;Гарантия длится 24 месяца.\n", "koi8_r"),
        ("質問,答え\n保証期間はどのくらいですか。,保証期間は二十四か月です。\n", "shift_jis"),
        ("pytanie;odpowiedź\nJak długo trwa gwarancja?;Gwarancja na żółty trwa 24 miesiące.\n", "cp1250"),
        ("question,réponse\nOù est l'élève?;À l'école, près du château\n", "cp1252"),
    ],
)  # fmt: skip
def test_old_encodings_are_told_apart(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode(encoding))
    assert path.read_text(encoding=detect_encoding(path)) == text


def test_an_encoding_can_be_named_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    source = tmp_path / "x.csv"
    source.write_bytes("question;answer\nWie groß?;größer\n".encode("cp850"))
    options = TableOptions(encoding="cp850")
    assert import_csv(source, tmp_path / "c", options).questions == 1
    assert read_corpus(str(tmp_path / "c")).questions[0].question == "Wie groß?"
    with pytest.raises(CorpusError, match="is not utf-8 throughout"):
        import_csv(source, tmp_path / "d", TableOptions(encoding="utf-8"))
    with pytest.raises(CorpusError, match="no encoding 'latin-99'"):
        import_csv(source, tmp_path / "d", TableOptions(encoding="latin-99"))
    assert not (tmp_path / "d").exists()


def _csv(folder: Path, text: str) -> Path:
    path = folder / "rows.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_of_any_delimiter_with_cells_of_several_lines(tmp_path: Path, delimiter: str) -> None:
    rows = [
        ["Question", "Answer", "Context", "Split"],
        ['"How many, exactly?"', '"three; or ""3"""', '"Line one.\nThere are three; or ""3"" of them."', "Train"],
        ["And then?", "none", "", "dev"],
    ]  # fmt: skip
    source = _csv(tmp_path, "\r\n".join(delimiter.join(row) for row in rows))
    report = import_csv(source, tmp_path / "c", TableOptions())
    corpus = read_corpus(str(tmp_path / "c"))
    first, second = corpus.questions
    assert first.question == "How many, exactly?"
    assert first.answers == ('three; or "3"',)
    assert first.evidence[0].quote == 'There are three; or "3" of them.'
    assert (first.split, second.split) == ("train", "validation")
    assert report.columns == {
        "question": "Question",
        "answers": "Answer",
        "context": "Context",
        "split": "Split",
    }


def test_columns_are_named_and_answers_of_one_cell_separated(tmp_path: Path) -> None:
    source = _csv(
        tmp_path, "Frage,Antwort,Kurz\nWie lange?,Zwei Jahre lang.,zwei Jahre|24 Monate\n"
    )
    options = TableOptions(
        {"question": "Frage", "answers": "Antwort,Kurz"}, separator="|", split="train"
    )
    import_csv(source, tmp_path / "c", options)
    (question,) = read_corpus(str(tmp_path / "c")).questions
    assert question.answers == ("Zwei Jahre lang.", "zwei Jahre", "24 Monate")
    assert question.split == "train"


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("Frage,Antwort\na,b\n", {}, r"no column looks like the question \(it has: Frage, Antwort\)"),
        ("question,Antwort\na,b\n", {}, r"no column looks like the answers .*--column answers=NAME"),
        ("question,answer\na,b\n", {"question": "Frage"}, r"has no column 'Frage' \(it has: question, answer\)"),
        ("question,answer\na,b\n", {"colour": "answer"}, "no field 'colour'; the fields are question"),
        ("question,answer\n", {}, "has no rows below its columns"),
        ("", {}, "is empty"),
        ("question,answer,answer\na,b,c\n", {}, "names a column twice"),
        ('question,answer\n"never closed,b\n', {}, "is no CSV that can be read"),
        ("question,answer\na,b,c\n", {}, "line 2: has more or fewer cells than the header"),
        ("question,answer\na,\n", {}, "has no answer"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_says_what_it_has(
    tmp_path: Path, text: str, columns: dict[str, str], message: str
) -> None:
    source = _csv(tmp_path, text)
    with pytest.raises(CorpusError, match=message):
        import_csv(source, tmp_path / "c", TableOptions(columns))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.csv"]


def test_rows_that_cannot_be_used_are_told_and_the_others_taken(tmp_path: Path) -> None:
    source = _csv(
        tmp_path,
        "question,answer,kind,split\nA?,a,,\n,b,,\nC?,,unanswerable,\nD?,d,riddle,\nE?,e,,exam\n",
    )
    report = import_csv(source, tmp_path / "c", TableOptions())
    assert [one.question for one in read_corpus(str(tmp_path / "c")).questions] == ["A?", "C?"]
    assert report.skipped == 3
    assert [reason.split(":")[0] for reason in report.reasons] == ["line 3", "line 5", "line 6"]
    assert "exam" in report.reasons[2]


def test_jsonl_with_squad_s_answers_lists_and_a_shared_context(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "title": "Bowl", "context": CONTEXT, "question": "Points?",
         "answers": {"text": ["308", "308"], "answer_start": [34, 34]}},
        {"id": "b", "title": "Bowl", "context": CONTEXT, "question": "Coach?",
         "answers": {"text": [], "answer_start": []}},
        {"id": "c", "question": "Plain?", "answers": ["yes", "yes, it is"]},
        {"id": "d", "question": "half \ud800 of one?", "answers": "no"},
    ]  # fmt: skip
    source = tmp_path / "rows.jsonl"
    source.write_text(
        "".join(json.dumps(row) + "\n" for row in rows) + "\n[1]\n{oops\n", encoding="utf-8"
    )
    report = import_jsonl(source, tmp_path / "c", TableOptions())
    corpus = _clean(tmp_path / "c")
    assert len(corpus.documents) == 1, "one context, one document"
    assert [(one.id, one.kind) for one in corpus.questions] == [
        ("a", "fact"), ("b", "unanswerable"), ("c", "fact"),
    ]  # fmt: skip
    assert [reason.split(":")[0] for reason in report.reasons] == ["line 4", "line 6", "line 7"]


def test_a_folder_that_is_there_is_never_written_into(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "mine").write_text("x")
    with pytest.raises(CorpusError, match="already there"):
        import_squad(_squad(tmp_path), tmp_path / "c")
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["mine"]
    (tmp_path / "c" / "mine").unlink()
    assert import_squad(_squad(tmp_path), tmp_path / "c").questions == 4, "an empty one is taken"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is no file"):
        import_squad(tmp_path / "gone.json", tmp_path / "c")


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    source = _squad(tmp_path)
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StorageError, match="the disk is full"):
        import_squad(source, tmp_path / "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["squad.json"]


@pytest.fixture
def rows() -> list[dict]:
    return [
        {
            "question": f"What is number {number}?",
            "answer": f"number {number}",
            "context": f"It is number {number}. Yes.",
        }
        for number in range(6)
    ]


def test_a_saved_dataset_with_its_splits(tmp_path: Path, rows: list[dict]) -> None:
    from datasets import Dataset, DatasetDict

    parts = {
        "train": Dataset.from_list(rows[:3]),
        "dev": Dataset.from_list(rows[3:5]),
        "test": Dataset.from_list(rows[5:]),
    }
    DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    report = import_dataset(str(tmp_path / "saved"), tmp_path / "c", TableOptions())
    assert report.by_split == {"train": 3, "validation": 2, "test": 1}
    assert report.documents == 6
    assert _clean(tmp_path / "c").questions[0].evidence[0].quote == "It is number 0."
    one = import_dataset(str(tmp_path / "saved"), tmp_path / "d", TableOptions(), part="dev")
    assert one.by_split == {"to be split by fact": 2}
    with pytest.raises(CorpusError, match=r"no part 'exam' \(it has: train, dev, test\)"):
        import_dataset(str(tmp_path / "saved"), tmp_path / "e", TableOptions(), part="exam")


def test_a_folder_of_data_files(tmp_path: Path, rows: list[dict]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = import_dataset(str(tmp_path / "data"), tmp_path / "c", TableOptions())
    assert report.questions == 6
    assert not (tmp_path / "data" / "cache").exists()


def test_a_dataset_that_does_not_load_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(CorpusError, match="is no dataset that loads"):
        import_dataset(str(tmp_path / "nothing"), tmp_path / "c", TableOptions())
    assert not (tmp_path / "c").exists()


def test_a_column_is_given_to_one_field(tmp_path: Path) -> None:
    mapped = map_columns(["prompt", "completion", "id"], {}, source="x")
    assert mapped == {"question": "prompt", "answers": "completion", "id": "id"}
    mapped = map_columns(["question", "text", "answer"], {"answers": "text"}, source="x")
    assert "context" not in mapped


@pytest.mark.parametrize(
    ("text", "answer", "start", "quote"),
    [
        ("One. Two is here. Three.", "Two", 5, "Two is here."),
        ("It costs 3.50 euros. Yes.", "3.50", None, "It costs 3.50 euros."),
        ("A line\nwith two lines", "with", None, "with two lines"),
        ("Twice here. And twice there.", "wice", 17, "And twice there."),
        ("An answer. That spans. Two.", "answer. That", None, "An answer. That spans."),
        ("東京は首都です。京都は違います。", "京都", None, "京都は違います。"),
        ("Not there.", "gone", None, None),
    ],
)
def test_evidence_is_the_sentence_of_the_answer(
    text: str, answer: str, start: int | None, quote: str | None
) -> None:
    found = evidence_of("d", text, answer, start)
    assert [one.quote for one in found] == ([quote] if quote else [])
    assert all(answer in one.quote and one.quote in text for one in found)


@pytest.mark.parametrize(
    ("title", "name"),
    [("Super Bowl 50", "super-bowl-50"), ("../../etc/passwd", "etc-passwd"), ("  ", ""), ("Größe/2", "grösse-2"),
     ("x" * 200, "x" * 80), ("CON:\\nul", "con-nul")],
)  # fmt: skip
def test_a_title_makes_a_file_name(title: str, name: str) -> None:
    assert slug(title) == name


_MEASURED = """
import resource, sys, time
from pathlib import Path
from core.corpus.imports.squad import import_squad
began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
report = import_squad(Path(sys.argv[1]), Path(sys.argv[2]))
print(report.questions, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - began) // 1024)
"""


def test_a_file_of_100_mb_is_streamed(tmp_path: Path) -> None:
    source = tmp_path / "big.json"
    filler = " ".join(str(number) for number in range(8000))
    questions = 0
    with source.open("w") as file:
        file.write('{"version": "1.1", "data": [')
        while file.tell() < 100_000_000:
            words = f"Number {questions} is first. {filler}"
            answers = [{"text": f"Number {questions}", "answer_start": 0}]
            qas = [{"id": f"q{questions}", "question": "Which?", "answers": answers}]
            article = {"title": f"a{questions}", "paragraphs": [{"context": words, "qas": qas}]}
            file.write((", " if questions else "") + json.dumps(article))
            questions += 1
        file.write("]}")
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(source), str(tmp_path / "c")],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    imported, megabytes = map(int, done.stdout.split())
    assert imported == questions
    assert megabytes < 60, "the file is not held in memory"
