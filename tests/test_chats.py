"""Instruction data of the user's own: a chat a line, each answer a row."""

import json
from pathlib import Path

import pytest

from core.corpus.chats import Chat, read_chats
from core.corpus.counts import corpus_counts, counts_table
from core.corpus.read import read_corpus
from core.errors import CorpusError
from core.records import Evidence, Question, Wording
from sft.conversations import chat_rows, multi_turn_rows
from sft.recipe import Recipe

WORDING = Wording("you answer questions .", "i am sorry")


def _write(folder: Path, *lines: object) -> Path:
    path = folder / "chats.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def _messages(*pairs: tuple[str, str]) -> dict[str, object]:
    return {"messages": [{"role": role, "content": text} for role, text in pairs]}


CHAT = _messages(("system", "Be kind."), ("user", "Hello"), ("assistant", "Hi."),
                 ("user", "Price?"), ("assistant", "59 euros."))  # fmt: skip


def test_each_answer_is_a_row_with_what_was_said_before(tmp_path: Path) -> None:
    [chat] = read_chats(_write(tmp_path, CHAT))
    assert chat == Chat(
        id="chats.jsonl:1", system="Be kind.", turns=(("Hello", "Hi."), ("Price?", "59 euros."))
    )
    first, second = chat_rows([chat], WORDING, recipe=Recipe(form="plain"))
    assert (first.prompt.history, first.completion) == ((), "Hi.")
    assert (second.prompt.history, second.prompt.user) == ((("Hello", "Hi."),), "Price?")
    assert (second.completion, second.prompt.system) == ("59 euros.", "Be kind.")
    assert {first.prompt.form, second.prompt.form} == {"plain"}
    own = chat_rows([chat.model_copy(update={"system": ""})], WORDING, recipe=Recipe())
    assert own[0].prompt.system == WORDING.system_prompt


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"text": "x"}, "messages: Field required"),
        (_messages(), "messages: need an assistant's message at the end"),
        (_messages(("user", "a")), "messages: need an assistant's message at the end"),
        (_messages(("assistant", "a")), r"messages\.0\.role: is 'assistant' where 'user'"),
        (_messages(("user", "a"), ("user", "b")), r"messages\.1\.role: is 'user' where"),
        (_messages(("tool", "a")), r"messages\.0\.role: Input should be"),
        (_messages(("user", " "), ("assistant", "b")), r"messages\.0\.content: is empty"),
        (
            _messages(("user", "\ud800"), ("assistant", "b")),
            r"messages\.0\.content: holds half of a character",
        ),
        ([1], "is list, not an object"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: object, reason: str) -> None:
    path = _write(tmp_path, CHAT, line)
    with pytest.raises(CorpusError, match=rf"chats\.jsonl:2: {reason}"):
        read_chats(path)


def test_a_corpus_has_its_chats_and_its_fingerprint_without_any_stays(tiny_corpus: Path) -> None:
    before = read_corpus(str(tiny_corpus))
    assert before.chats == () and "chats" not in corpus_counts(before)
    _write(tiny_corpus, CHAT)
    after = read_corpus(str(tiny_corpus))
    assert len(after.chats) == 1 and after.fingerprint != before.fingerprint
    assert corpus_counts(after)["chats"] == 1
    assert "1 chats with 2 answers" in counts_table(after)


def test_chats_alone_are_a_corpus(tmp_path: Path) -> None:
    _write(tmp_path, CHAT)
    assert len(read_corpus(str(tmp_path)).chats) == 1


def _question(number: int, fact: int, document: str) -> Question:
    return Question(
        id=f"q{number}", question=f"what is {number} ?", answers=(f"{fact} grams",),
        fact=f"f{fact}", evidence=(Evidence(document=document, quote=f"{fact}"),),
    )  # fmt: skip


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_several_turns_are_on_one_document_and_of_different_facts(share: float) -> None:
    questions = [_question(n, n // 2, f"d{n // 8}") for n in range(32)]
    recipe = Recipe(multi_turn_share=share)
    rows = multi_turn_rows(questions, WORDING, recipe=recipe)
    assert rows == multi_turn_rows(questions, WORDING, recipe=recipe)
    assert len(rows) == round(32 * share)
    by_text = {question.question: question for question in questions}
    for row in rows:
        asked = [by_text[text] for text, _ in row.prompt.history] + [by_text[row.prompt.user]]
        assert len(asked) in (2, 3)
        assert len({one.evidence[0].document for one in asked}) == 1
        assert len({one.fact for one in asked}) == len(asked)
        assert row.completion == asked[-1].answers[0]
        assert all(by_text[text].answers[0] == answer for text, answer in row.prompt.history)


def test_a_question_without_others_on_its_document_makes_no_chat() -> None:
    questions = [_question(0, 0, "a"), _question(1, 0, "a"), _question(2, 1, "b")]
    assert multi_turn_rows(questions, WORDING, recipe=Recipe(multi_turn_share=1)) == []
