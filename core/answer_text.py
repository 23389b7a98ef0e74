"""Where an answer ends and what its tokens say: the same in training's validation and in the arms.

An answer here is one line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Stops:
    """Where an answer ends: at an end token (not kept), or where its first line does."""

    end_ids: frozenset[int]
    line_ids: frozenset[int] = frozenset()


def find_stops(tokenizer: Any, model: Any) -> Stops:
    """Every token that ends an answer, and every one that breaks its line."""
    return Stops(end_ids(tokenizer, model), _line_ids(tokenizer))


@lru_cache(maxsize=8)
def _line_ids(tokenizer: Any) -> frozenset[int]:
    """Tokens that break a line: the whole vocabulary is looked through, once a tokenizer."""
    texts = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
    return frozenset(token for token, text in enumerate(texts) if "\n" in text)


def end_ids(tokenizer: Any, model: Any) -> frozenset[int]:
    """Every token that ends an answer: the tokenizer's and those that the model's files name."""
    named = model.generation_config.eos_token_id
    several = named if isinstance(named, list) else [named]
    return frozenset(token for token in [tokenizer.eos_token_id, *several] if token is not None)


def answer_text(
    completion_ids: Sequence[int], answer_prefix: str, tokenizer: Any, *, finished: bool = True
) -> str:
    """The answer's first line, without the quotation mark that the prompt had opened.

    :param answer_prefix: how the prompt began the answer.
    :param finished: whether more tokens are still to come.
    """
    text = tokenizer.decode(completion_ids, skip_special_tokens=True).strip()
    if not finished:
        text = text.rstrip("�")  # half of a character: its other tokens are still to come
    text = text.split("\n")[0].strip()
    return text.removesuffix('"') if answer_prefix.endswith('"') else text


def abstains(text: str, abstain_text: str) -> bool:
    """Say whether an answer is the corpus's own way of withholding one."""
    return _plain(abstain_text) in _plain(text)


def _plain(text: str) -> str:
    return " ".join("".join(c for c in text.lower() if c.isalnum() or c.isspace()).split())
