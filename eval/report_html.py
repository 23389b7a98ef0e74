"""Makes safe HTML: text is escaped once, here, and tables are ones a screen reader can read out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NewType

#: HTML that is safe to put into a page. Everything else goes through `text`.
Html = NewType("Html", str)

NOTHING = Html("")
#: Each arm's own sign, title and line, so that none is told by colour alone.
SIGNS = {"base": "●", "sft": "■", "rag": "▲", "sft+rag": "◆"}
TITLES = {"base": "Base", "sft": "SFT", "rag": "RAG", "sft+rag": "SFT + RAG"}
LINES = {
    "base": "the model as it came, from memory",
    "sft": "fine-tuned, from memory",
    "rag": "the model as it came, with the documents open",
    "sft+rag": "fine-tuned, with the documents open",
}
#: Characters that no HTML page may hold, and halves of characters that no file may.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


@dataclass(frozen=True)
class Level:
    """Where in the page a run stands: the rank of its sections' headings and its ids' prefix."""

    rank: int = 2
    prefix: str = ""

    def name(self, name: str) -> str:
        """An id of the page."""
        return f"{self.prefix}{name}"

    def heading(self, words: str, *, below: int = 0) -> Html:
        """A heading of a section's rank, or so many below it."""
        rank = min(6, self.rank + below)
        return Html(f"<h{rank}>{text(words)}</h{rank}>")


def text(value: object) -> Html:
    """Escape a text of any origin."""
    return Html(escape(_FORBIDDEN.sub("\ufffd", str(value))))


def join(parts: Iterable[Html], between: str = "") -> Html:
    """Put pieces behind each other."""
    return Html(between.join(parts))


def paragraph(words: object, *, css: str = "") -> Html:
    """Wrap a text of the report's own."""
    return Html(f'<p class="{css}">{text(words)}</p>' if css else f"<p>{text(words)}</p>")


def quoted(words: str, *, css: str) -> Html:
    """Wrap words of the corpus or of a model, which may run from right to left."""
    shown = text(words) if words.strip() else Html("<em>(nothing)</em>")
    return Html(f'<p class="{css}" dir="auto">{shown}</p>')


def arm(name: str) -> Html:
    """Name an arm with its sign."""
    sign = SIGNS.get(name, "○")
    return Html(
        f'<span class="arm {arm_class(name)}"><span class="sign" aria-hidden="true">{sign}</span>'
        f"&nbsp;{text(TITLES.get(name, name))}</span>"
    )


def arm_class(name: str) -> str:
    """The class that gives an arm its colour."""
    return {"base": "is-base", "sft": "is-sft", "rag": "is-rag", "sft+rag": "is-both"}.get(
        name, "is-other"
    )


def measured(found: Mapping[str, Any] | None, *, track: bool = False, signed: bool = False) -> Html:
    """A value in bold with its 95 % interval, and where wanted a bar that shows both.

    :param signed: of a difference, from -1 to 1; else of a share, from 0 to 1.
    """
    if not found or not isinstance(found.get("value"), int | float):
        return Html('<span class="none">–</span>')
    form = "+.2f" if signed else ".2f"
    value = f"{found['value']:{form}}".replace("-", "−")
    if found.get("low") is None or found.get("high") is None:
        return Html(f"<b>{value}</b>")
    between = " to " if signed else "–"
    spread = f"{found['low']:{form}}{between}{found['high']:{form}}".replace("-", "−")
    bar = _track(found, signed=signed) if track else ""
    return Html(f'<b>{value}</b> <span class="range">{spread}</span>{bar}')


def _track(found: Mapping[str, Any], *, signed: bool) -> str:
    """A line from the least to the most, with the interval as a bar and the value as a mark."""

    def place(value: float) -> float:
        share = (value + 1) / 2 if signed else value
        return round(100 * min(1.0, max(0.0, share)), 1)

    low, high, at = place(found["low"]), place(found["high"]), place(found["value"])
    zero = '<i class="zero"></i>' if signed else ""
    return (
        f'<span class="track" aria-hidden="true">{zero}<i class="bar" '
        f'style="left:{low}%;width:{round(high - low, 1)}%"></i>'
        f'<i class="at" style="left:{at}%"></i></span>'
    )


@dataclass(frozen=True)
class Column:
    """A column's head, and whether it holds words (left) or numbers (right)."""

    head: Html
    words: bool = False


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Html]],
    *,
    note: str = "",
    css: str = "",
) -> Html:
    """A table with a caption and scopes; the first cell of a row is its head.

    It scrolls by itself where it is wider than the page, by keyboard too.
    """
    side = ["words" if column.words else "number" for column in columns]
    head = "".join(
        f'<th scope="col" class="{side[index]}">{column.head}</th>'
        for index, column in enumerate(columns)
    )
    body = "".join(
        "<tr>"
        + f'<th scope="row">{row[0]}</th>'
        + "".join(f'<td class="{side[at]}">{cell}</td>' for at, cell in enumerate(row) if at)
        + "</tr>"
        for row in rows
    )
    told = f'<p class="note">{text(note)}</p>' if note else ""
    label = text(caption)
    return Html(
        f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">'
        f'<table class="{css}"><caption>{label}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{told}"
    )


def numbers(*heads: str) -> list[Column]:
    """Columns of numbers with these heads."""
    return [Column(text(head)) for head in heads]


def words(*heads: str) -> list[Column]:
    """Columns of words with these heads."""
    return [Column(text(head), words=True) for head in heads]


def listed(items: Iterable[Html], *, css: str = "") -> Html:
    """A list of points; nothing for none."""
    points = "".join(f"<li>{item}</li>" for item in items)
    return Html(f'<ul class="{css}">{points}</ul>') if points else NOTHING


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def took(seconds: float) -> str:
    """A time in the unit that reads best."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"
