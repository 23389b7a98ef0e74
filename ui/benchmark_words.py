"""The difference of two answers, word by word, as safe HTML."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from html import escape

_Piece = tuple[str, str, str]


def side_by_side(a: str, b: str) -> tuple[str, str]:
    """Give both texts: what only `a` has in a `del`, what only `b` has in an `ins`."""
    first, second = [], []
    for what, left, right in _pieces(a, b):
        if what == "equal":
            first.append(escape(left))
            second.append(escape(right))
        else:
            first += [f"<del>{escape(left)}</del>"] if left else []
            second += [f"<ins>{escape(right)}</ins>"] if right else []
    return " ".join(first), " ".join(second)


def merged(a: str, b: str) -> str:
    """Give one text that leads from `a` to `b`: words taken out, then words put in."""
    parts = []
    for what, left, right in _pieces(a, b):
        if what == "equal":
            parts.append(escape(right))
        else:
            parts += [f"<del>{escape(left)}</del>"] if left else []
            parts += [f"<ins>{escape(right)}</ins>"] if right else []
    return " ".join(parts)


def alike(a: str, b: str) -> bool:
    """Say whether two texts share a word; where they share none, marking all tells nothing."""
    return any(what == "equal" for what, _, _ in _pieces(a, b))


def _pieces(a: str, b: str) -> Iterator[_Piece]:
    left, right = a.split(), b.split()
    matcher = SequenceMatcher(None, _plain(left), _plain(right), autojunk=False)
    for what, start, end, other, last in matcher.get_opcodes():
        yield what, " ".join(left[start:end]), " ".join(right[other:last])


def _plain(words: list[str]) -> list[str]:
    """The words without what answers do not differ in: case, and the marks around a word."""
    return [word.casefold().strip(".,;:!?\"'()") for word in words]
