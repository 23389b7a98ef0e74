"""Turns text and marked stretches of it into safe HTML."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

#: What a person is told where nobody foresaw what happened; the log has the traceback.
INSIDE = "Something went wrong inside; the server's log says what."


def marked(
    text: str, stretches: Iterable[tuple[int, int, str]], *, inside: Sequence[str] = ()
) -> str:
    """Escape `text` and wrap its stretches; overlapping ones share their characters' classes.

    :param stretches: start, end and class name; offsets outside the text are cut to it.
    :param inside: class names that become a `span`; all others become a `mark`.
    """
    cuts = {0, len(text)}
    kept = []
    for start, end, name in stretches:
        first, last = max(0, start), min(len(text), end)
        if first < last:
            kept.append((first, last, name))
            cuts |= {first, last}
    edges = sorted(cuts)
    parts = []
    for first, last in pairwise(edges):
        names = sorted({name for start, end, name in kept if start <= first and last <= end})
        piece = escape(text[first:last])
        if names:
            tag = "span" if all(name in inside for name in names) else "mark"
            piece = f'<{tag} class="{" ".join(names)}">{piece}</{tag}>'
        parts.append(piece)
    return "".join(parts)


def sentence(text: str, *, role: str = "alert") -> str:
    """Wrap a message for people; nothing for nothing."""
    return f'<p class="message" role="{role}">{escape(text)}</p>' if text else ""


def aloud(words: str) -> str:
    """What a screen reader says by itself when it changes, and nobody sees."""
    return f'<p class="unseen" role="status">{escape(words)}</p>'
