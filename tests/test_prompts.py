"""One prompt builder: the arms differ in the passages they are given and in nothing else."""

import ast
import hashlib
from pathlib import Path

import pytest

from core.language_model import LanguageModel
from core.prompts import (
    DEFAULT_SYSTEM_PROMPT,
    PROMPT_VERSION,
    QUOTATION,
    Prompt,
    build_prompt,
)
from core.records import Passage

ROOT = Path(__file__).resolve().parent.parent


def _passage(text: str) -> Passage:
    return Passage(id=text, document_id="d", start=0, end=len(text), text=text)


def test_a_closed_book_is_the_question_alone() -> None:
    assert build_prompt("How long?") == Prompt(DEFAULT_SYSTEM_PROMPT, "How long?", "")
    assert build_prompt("Q", system_prompt="S").messages() == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "Q"},
    ]


def test_an_open_book_holds_the_passages_best_first_then_the_question() -> None:
    prompt = build_prompt("How long?", [_passage("Second\n  to none."), _passage("Other.")])
    assert prompt.user == "Second to none.\nOther.\n\nQuestion: How long?"
    assert prompt.system == build_prompt("How long?").system
    assert prompt.answer_prefix == QUOTATION


def test_an_open_book_without_passages_is_still_one() -> None:
    assert build_prompt("Q", []) != build_prompt("Q")
    assert build_prompt("Q", []).answer_prefix == QUOTATION


@pytest.mark.parametrize("passages", [None, [_passage("hold the button for 8 seconds")]])
def test_the_tokens_are_the_template_s_with_the_answer_begun(
    tiny_model: LanguageModel, passages: list[Passage] | None
) -> None:
    prompt = build_prompt("how long ?", passages, system_prompt="you answer questions .")
    tokenizer = tiny_model.tokenizer
    chat = tokenizer.apply_chat_template(
        prompt.messages(), tokenize=True, add_generation_prompt=True, return_dict=True
    )["input_ids"]
    begun = tokenizer('From the text : "', add_special_tokens=False)["input_ids"]
    assert tiny_model.encode(prompt) == [*chat, *(begun if passages else [])]


def test_a_changed_wording_has_a_new_version() -> None:
    # Adapters are trained on these words. Whoever changes them raises PROMPT_VERSION, trains the
    # shipped adapter again, and writes the new digest here.
    prompts = [build_prompt("Q"), build_prompt("Q", [_passage("P"), _passage("R")])]
    digest = hashlib.sha256(repr(prompts).encode()).hexdigest()[:12]
    assert (PROMPT_VERSION, digest) == ("3", "ef644b835125")


def test_nobody_else_builds_a_prompt() -> None:
    makers = []
    for part in ("core", "sft", "rag", "eval", "ui", "."):
        for path in (ROOT / part).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = node.func if isinstance(node, ast.Call) else None
                if isinstance(called, ast.Name) and called.id == "Prompt":
                    makers.append(path.relative_to(ROOT).as_posix())
    assert set(makers) == {"core/prompts.py"}
