"""A way to an answer, drawn as numbered steps: words first, then what really happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

_EMPTY = '<p class="empty">The real numbers stand here once you have chosen a question.</p>'


@dataclass(frozen=True)
class Step:
    """One step: its title, what happens in words, and the figure as HTML; empty before there is."""

    title: str
    words: str
    figure: str


def track(
    name: Literal["rag", "sft"], title: str, line: str, steps: Sequence[Step], *, why: str = ""
) -> str:
    """Draw a way in steps.

    :param why: the sentence that says why it cannot be shown for this question.
    """
    drawn = "".join(
        f"<li><h3>{escape(step.title)}</h3><p>{escape(step.words)}</p>"
        + (step.figure or ("" if why else _EMPTY))
        + "</li>"
        for step in steps
    )
    told = f'<p class="message" role="alert">{escape(why)}</p>' if why else ""
    return (
        f'<section class="track {name}" aria-label="{escape(title)}">'
        f"<header><h2>{escape(title)}</h2><p>{escape(line)}</p></header>{told}"
        f"<ol>{drawn}</ol></section>"
    )
