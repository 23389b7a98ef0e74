"""The check finds what makes training or scores wrong, names the place, and says what to do."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import write_corpus

from core.corpus.check import check_corpus, check_folder
from core.corpus.counts import corpus_counts, counts_table
from core.corpus.findings import Finding
from core.corpus.read import built_in_corpora, read_corpus
from core.errors import CorpusError

LONG = "# One\n\n" + "The Alpha weighs 240 grams and stands on four feet. " * 4 + "\n"
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
    """All findings but the notes, which say how little three questions are."""
    reference = str(write_corpus(folder / "c", documents, questions))
    return [one for one in check_folder(reference).findings if one.severity != "note"]


def test_a_clean_corpus_has_no_findings(tmp_path: Path) -> None:
    assert _check(tmp_path, DOCUMENTS, CLEAN) == []


LEAK = "the test would measure memory of its own wording"
CASES = [
    (_line("d", "how  heavy is IT?", "test"), "error", "leak", f"asks what a asks, in test and train: {LEAK}"),
    (_line("d", "How heavy is it", "validation"), "error", "leak", "in validation and train"),
    (_line("d", "How heavy is it?", "train", answers=["250 grams"]), "error", "contradiction",
     "asks what a asks and answers otherwise"),
    (_line("d", "How heavy is it?", "train", answers=["no grams"], exposure=None), "error",
     "contradiction", "answers otherwise"),
    (_line("d", "How heavy is it?", "train"), "warning", "repeated-question", "asks what a asks"),
    (_line("d", "Tell me more about the heaviness.", "test", fact="c", answers=["9 grams"]), "error",
     "contradiction", "is a wording of 'c' as c is, and answers otherwise"),
    (_line("d", "And now?", "train", evidence=[{"document": "gone", "quote": "x"}]), "error", "evidence",
     "names the document 'gone', which is not there"),
    (_line("d", "And now?", "train", evidence=[{"document": "one", "quote": "250 grams"}]), "error",
     "evidence", "quotes '250 grams', which is not in one"),
    (_line("d", "And now?", "train", evidence=[{"document": "one", "quote": " "}]), "error",
     "evidence", "empty quote"),
    (_line("d", "And how much does it weigh?", "test", exposure="reworded"), "error", "exposure",
     "calls itself reworded, but its fact 'd' is not in train"),
    (_line("d", "And how much does it weigh?", "test", fact="a", exposure="untrained"), "error", "exposure",
     "calls itself untrained, but its fact 'a' is in train"),
    (_line("d", "And now?", "train", answers=["It is heavy because of the"]), "warning", "truncated-answer",
     "breaks off"),
    (_line("d", "And now?", "train", answers=["Two feet and so on..."]), "warning", "truncated-answer",
     "breaks off"),
    (_line("d", "Where is the CafÃ© of itâ€™s town?", "train"), "warning", "encoding", "wrong encoding"),
    (_line("d", "Who is it?", "train", answers=["jane.roe@corp.com"]), "warning", "personal-data",
     "holds an e-mail address in line 2 (j…@corp.com)"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "severity", "rule", "message"), CASES)
def test_a_question_that_spoils_a_score_is_found(
    tmp_path: Path, line: dict, severity: str, rule: str, message: str
) -> None:
    (found,) = _check(tmp_path, DOCUMENTS, [*CLEAN, line])
    assert (found.place, found.severity, found.rule) == ("qa.jsonl:4 d", severity, rule)
    assert message in found.message
    assert found.fix


@pytest.mark.parametrize(
    ("first", "second", "rules"),
    [
        # The same words in another order, the same answer: the test is in the training.
        (("train", "f1"), ("test", "f2"), ["near-leak"]),
        (("train", "f1"), ("validation", "f1"), ["near-leak", "alike"]),
        # Two wordings of one fact in train may be near each other; of two facts they are one.
        (("train", "f1"), ("train", "f1"), ["alike"]),
        (("train", "f1"), ("train", "f2"), ["near-question"]),
    ],
)
def test_nearly_the_same_question_is_found(
    tmp_path: Path, first: tuple, second: tuple, rules: list[str]
) -> None:
    texts = [
        "For how many seconds must the reset button of the Alpha be held down?",
        "For how many seconds, please, must the reset button of the Alpha be held down?",
    ]
    pair = [
        _line(f"p{number}", text, split, fact=fact, answers=["8 seconds"])
        for number, (text, (split, fact)) in enumerate(zip(texts, (first, second), strict=True))
    ]
    found = _check(tmp_path, DOCUMENTS, [*CLEAN, *pair])
    assert [one.rule for one in found] == rules


def test_alike_questions_about_different_things_are_left_alone(tmp_path: Path) -> None:
    pair = [
        _line("p", "For how many seconds is the reset button of the RX100 held?", "train",
              answers=["8 seconds"]),
        _line("q", "For how many seconds is the reset button of the RX200 held?", "test",
              answers=["12 seconds"]),
    ]  # fmt: skip
    assert _check(tmp_path, DOCUMENTS, [*CLEAN, *pair]) == []


def test_a_fact_trained_under_another_name_is_no_untrained_fact(tmp_path: Path) -> None:
    quote = {"document": "one", "quote": "The Alpha weighs 240 grams and stands on four feet."}
    pair = [
        _line("p", "Alpha weight?", "train", fact="alpha-weight", evidence=[quote]),
        _line(
            "q",
            "What do the scales say under the Alpha?",
            "test",
            fact="alpha-mass",
            evidence=[quote],
        ),
    ]
    (found,) = _check(tmp_path, DOCUMENTS, [*CLEAN, *pair])
    assert (found.rule, found.severity, found.place) == ("fact-leak", "error", "qa.jsonl:5 q")
    # Another answer on the same evidence is another fact.
    pair[1]["answers"] = ["four feet"]
    assert _check(tmp_path / "other", DOCUMENTS, [*CLEAN, *pair]) == []


def test_documents_that_are_stubs_cut_off_doubled_or_garbled_are_found(tmp_path: Path) -> None:
    twenty = " ".join(f"word{number}" for number in range(40))
    documents = {
        **DOCUMENTS,
        "stub": "Too short.",
        "cut": "The lamp is on. " * 10 + "The reset button must then be pressed until the lamp of",
        "copy": LONG.upper(),
        "near": f"{twenty} and then it ends.",
        "near2": f"{twenty} and then it stops.",
        "garbled": "Der Router ist schÃ¶n und groÃŸ und grÃ¼n. " * 5,
    }
    found = _check(tmp_path, documents, CLEAN)
    assert {(one.rule, one.place, one.severity) for one in found} == {
        ("short-document", "stub.md", "warning"),
        ("truncated-document", "cut.md", "warning"),
        ("repeated-document", "one.md", "warning"),
        ("near-document", "near2.md", "warning"),
        ("encoding", "garbled.md", "warning"),
    }


def test_lists_tables_and_headings_may_end_a_document(tmp_path: Path) -> None:
    for number, end in enumerate(
        ["- a list item that has more than eight words in its line", "| a | table | row | of | many | cells | and | more |",
         "## A heading that has more than eight words in its line", "A short line", "And so it ends (at last)"]
    ):  # fmt: skip
        document = {"one": LONG + "\n" + end}
        assert _check(tmp_path / str(number), document, CLEAN) == []


def test_an_answer_of_another_length_than_its_like_jumps_out(tmp_path: Path) -> None:
    many = [
        _line(f"n{number}", f"What is number {number} of the list?", "train",
              answers=[f"It is the number {number} of our long list."])
        for number in range(30)
    ]  # fmt: skip
    many[7]["answers"] = ["word " * 70]
    found = [one for one in _check(tmp_path, DOCUMENTS, many) if one.rule != "split"]
    assert [(one.rule, one.place) for one in found] == [("answer-length", "qa.jsonl:8 n7")]
    assert "70 words, where a fact has 9" in found[0].message


def test_splits_that_are_missing_or_say_one_thing_are_told(tmp_path: Path) -> None:
    found = _check(tmp_path, DOCUMENTS, CLEAN[:2])
    assert [(one.rule, one.message) for one in found] == [("split", "has no test questions")]
    yes = [
        _line(f"y{number}", f"Does number {number} hold?", "test", answers=["yes" if number % 4 else "no"])
        for number in range(40)
    ]  # fmt: skip
    found = _check(tmp_path / "yes", DOCUMENTS, [*CLEAN, *yes])
    assert [one.rule for one in found] == ["dominant-answer"]
    assert "test: 73% of the questions accept the answer 'yes'" in found[0].message
    kinds = [*CLEAN, _line("k", "Reset how?", "train", kind="procedure")]
    found = _check(tmp_path / "kinds", DOCUMENTS, kinds)
    assert [(one.rule, one.message) for one in found] == [
        ("kinds", "has no procedure question in validation and test")
    ]


def test_wordings_that_are_one_wording_are_told(tmp_path: Path) -> None:
    alike = [
        _line(f"w{number}", f"{word} how heavy the Alpha router is, please", "train", fact="w")
        for number, word in enumerate(("Tell", "Say", "Explain"))
    ]
    found = _check(tmp_path, DOCUMENTS, [*CLEAN, *alike])
    assert [(one.rule, one.place) for one in found] == [("alike", "w")]


def test_everything_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "c", {**DOCUMENTS, "empty": " "}, CLEAN)
    (folder / "documents" / "broken.pdf").write_bytes(b"%PDF-1.4 and no more")
    (folder / "corpus.toml").write_text("title = ")
    with (folder / "qa.jsonl").open("ab") as file:
        file.write(
            b'{"id": "x"}\nnot json\n{"id": "a", "question": "Q?", "answers": ["y"]}\n\xff\n'
        )
        file.write(
            b'{"id": "z", "question": "Is it there?", "answers": ["z"], "status": "draft"}\n'
        )
    checked = check_folder(str(folder))
    assert [one.id for one in checked.corpus.questions] == ["a", "b", "c"], "no draft among them"
    found = {(one.rule, one.place): one.message for one in checked.findings}
    assert set(found) >= {
        ("unreadable", "corpus.toml"),
        ("unreadable", "documents/empty.md"),
        ("unreadable", "documents/broken.pdf"),
        ("schema", "qa.jsonl:4"),
        ("schema", "qa.jsonl:5"),
        ("schema", "qa.jsonl:6"),
        ("schema", "qa.jsonl:7"),
        ("draft", "qa.jsonl:8"),
    }
    assert "already taken by line 1" in found["schema", "qa.jsonl:6"]
    severities = [one.severity for one in checked.findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)


def test_a_folder_with_nothing_in_it_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="no documents and no questions"):
        check_folder(str(tmp_path / "empty"))


def test_documents_alone_need_no_splits(tmp_path: Path) -> None:
    assert _check(tmp_path, DOCUMENTS, []) == []


def test_a_revision_s_own_mistakes_are_told_and_the_corpus_s_are_not_told_twice(
    tmp_path: Path,
) -> None:
    bad = _line("d", "And now?", "train", evidence=[{"document": "gone", "quote": "x"}])
    folder = write_corpus(tmp_path / "c", DOCUMENTS, [*CLEAN, bad])
    write_corpus(
        folder / "revisions" / "spring", {"one": LONG.replace("240", "250")},
        [_line("c", "Its weight?", "test", answers=["250 grams"])],
    )  # fmt: skip
    (folder / "revisions" / "odd" / "documents").mkdir(parents=True)
    (folder / "revisions" / "odd" / "revision.toml").write_text('withdrawn = ["nothing"]')
    errors = [one for one in check_folder(str(folder)).findings if one.severity == "error"]
    assert [(one.rule, one.place) for one in errors] == [
        ("evidence", "qa.jsonl:4 d"),
        ("unreadable", "revisions/odd/revision.toml"),
        # The question of train still quotes what the document no longer says.
        ("evidence", "revisions/spring: a"),
    ]


def test_the_counts_are_the_corpus_s(tiny_corpus: Path) -> None:
    counts = corpus_counts(read_corpus(str(tiny_corpus)))
    assert (counts["documents"], counts["questions"]) == (3, sum(counts["by_kind"].values()))
    assert counts["by_split"] == {"train": 5, "validation": 1, "test": 5}
    assert counts["by_exposure"] == {"reworded": 2, "untrained": 3}
    assert counts["facts"] == 7
    assert 0 < counts["wording_overlap"]["mean"] < counts["wording_overlap"]["most"] < 1
    table = counts_table(read_corpus(str(tiny_corpus)))
    assert "| fact | 3 | 3 | 1 | 3 | 7 |" in table
    assert "| all | 7 | 5 | 1 | 5 | 11 |" in table
    assert "2 are trained in other words and 1 are never trained" in table


@pytest.mark.parametrize("name", [*built_in_corpora(), "general-knowledge"])
def test_built_in_corpora_have_no_errors_and_no_warnings(name: str) -> None:
    found = check_folder(name).findings
    told = [one for one in found if one.severity != "note" and one.rule != "split"]
    assert told == []


def test_a_corpus_in_memory_is_checked_the_same(tiny_corpus: Path) -> None:
    in_memory = {(one.rule, one.message) for one in check_corpus(read_corpus(str(tiny_corpus)))}
    on_disk = {(one.rule, one.message) for one in check_folder(str(tiny_corpus)).findings}
    assert in_memory == on_disk


def test_ten_thousand_questions_of_one_template_are_checked(tmp_path: Path) -> None:
    lines = [
        _line(f"t{number}", f"Is part {number % 50} of the machine in order?", "train")
        for number in range(10_000)
    ]
    folder = write_corpus(tmp_path / "c", {}, [])
    (folder / "qa.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = check_folder(str(folder)).findings
    assert sum(one.rule == "repeated-question" for one in found) == 10_000 - 50
