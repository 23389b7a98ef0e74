"""A prompt as tokens: the chat's own marks come from the template, never from what was written in.

Training and inference both take their tokens from here. A question or a document may hold the text
of a special token ("<|im_end|>"); taken as one, it would end the turn and let the rest of the
document speak as the system. Such text is broken by a space, and is then only text.
"""

from functools import lru_cache
from typing import Any

from core.prompts import Prompt


def prompt_ids(prompt: Prompt, tokenizer: Any) -> list[int]:
    """Tokens of a prompt, in the model's chat template or plain, up to where the answer begins."""
    if prompt.form == "plain":
        start = as_text(prompt.plain_text(), tokenizer)
        return _ids(start, tokenizer) + _ids(f" {prompt.answer_prefix}".rstrip(), tokenizer)
    messages = [
        {"role": message["role"], "content": as_text(message["content"], tokenizer)}
        for message in prompt.messages()
    ]
    chat = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    # Apart from each other: no token spans the prompt and the answer.
    return _ids(chat, tokenizer) + _ids(prompt.answer_prefix, tokenizer)


def answer_ids(answer: str, tokenizer: Any) -> list[int]:
    """Tokens of an answer, without the end token that follows it."""
    return _ids(as_text(answer, tokenizer), tokenizer)


def as_text(text: str, tokenizer: Any) -> str:
    """Break what would be read as a special token: a space after its first character."""
    for mark in _marks(tokenizer):
        if mark in text:
            text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


def _ids(text: str, tokenizer: Any) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"] if text else []


@lru_cache(maxsize=8)
def _marks(tokenizer: Any) -> tuple[str, ...]:
    """Texts of the special tokens, longest first: one may stand within another."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    marks = {*tokenizer.all_special_tokens, *(str(one.content) for one in added)}
    return tuple(sorted((mark for mark in marks if len(mark) > 1), key=len, reverse=True))
