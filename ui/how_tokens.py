"""A prompt as the model sees it: token by token, each with the part that it plays."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from typing import Any, Literal

Part = Literal["mark", "told", "read", "asked", "begun", "learnt", "other"]

#: What the colours of tokens mean, in words.
PARTS: dict[Part, str] = {
    "mark": "the chat's own marks",
    "told": "the standing instruction",
    "read": "what was found",
    "asked": "the question",
    "begun": "how the answer is begun",
    "learnt": "supervised: what the model is taught to say",
    "other": "words in between",
}


@dataclass(frozen=True)
class Token:
    """One token: its number in the vocabulary, its text and its part."""

    number: int
    text: str
    part: Part


def told_apart(
    ids: Sequence[int],
    tokenizer: Any,
    *,
    texts: Sequence[tuple[str, Part]] = (),
    learnt: Sequence[bool] = (),
) -> list[Token]:
    """Give every token its text, and its part by where the prompt's texts stand.

    :param texts: what the prompt was made of, in its order, and which part each is.
    :param learnt: which tokens are supervised; none by default.
    """
    pieces = [tokenizer.decode([one]) for one in ids]
    whole, ends = "".join(pieces), list(accumulate(len(piece) for piece in pieces))
    special = set(tokenizer.all_special_ids)
    spans: list[tuple[int, int, Part]] = []
    place = 0
    for text, named in texts:
        start = whole.find(text, place) if text else -1
        if start >= 0:  # a tokenizer that loses spaces leaves the parts untold, and the tokens true
            place = start + len(text)
            spans.append((start, place, named))
    supervised = [*learnt, *[False] * (len(ids) - len(learnt))]
    found = []
    for number, piece, end, is_learnt in zip(ids, pieces, ends, supervised, strict=True):
        middle = end - len(piece) / 2
        part: Part = next((one for start, stop, one in spans if start <= middle < stop), "other")
        if is_learnt:
            part = "learnt"
        elif number in special:
            part = "mark"
        found.append(Token(number, piece, part))
    return found


def token_strip(tokens: Sequence[Token]) -> str:
    """Draw tokens one by one, with a key to the parts that occur."""
    drawn = "".join(_token(one) for one in tokens)
    there = {one.part for one in tokens}
    keys = "".join(
        f'<li><span class="tok {part}">{"✓" if part == "learnt" else "a"}</span> {words}</li>'
        for part, words in PARTS.items()
        if part in there
    )
    return f'<p class="tokens">{drawn}</p><ul class="token-key">{keys}</ul>'


def _token(token: Token) -> str:
    # A token's own space is shown, because it is part of it; a line's end breaks the drawing too.
    text = escape(token.text).replace(" ", '<i aria-hidden="true">·</i>')
    shown = text.replace("\n", '<i aria-hidden="true">↵</i>') or "∅"
    after = "<br>" if token.text.endswith("\n") else ""
    return f'<span class="tok {token.part}" title="token {token.number}">{shown}</span>{after} '
