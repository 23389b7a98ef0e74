"""Text of a PDF as its reader sees it: lines joined into paragraphs, larger type as headings.

A PDF has no paragraphs, only lines set at places; taken as they stand, every line's end would cut a
sentence in two. A line that was filled is joined with the next, unless more than the usual space
lies between them.
"""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

#: A line set this much larger than most of the text is a heading, if it has few words.
_LARGER, _HEADING_WORDS = 1.15, 14
#: A line is filled when the next word would have brought it this near to the longest line.
_FILLED = 0.9
#: Space between two lines, in times the page's usual, from which a new paragraph begins.
_APART = 1.3

_LIST_ITEM = re.compile(r"(?:[-*•‣▪–]|\d{1,2}[.)])\s")


@dataclass(frozen=True)
class _Line:
    text: str
    size: float
    #: Height of the line on the page, in points from its foot.
    height: float


def page_text(page: Any, *, body_size: float | None = None) -> str:
    """Text of one page (pypdf's), its paragraphs apart and its headings marked.

    :param body_size: type size of the document's running text, in points; found on the page if not
        given.
    """
    lines = _lines(page)
    return _joined(lines, body_size or common_size([page]))


def common_size(pages: list[Any]) -> float:
    """Type size, in points, that most characters of the pages are set in; 0 without text."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in _lines(page):
            sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _lines(page: Any) -> list[_Line]:
    """Lines of a page in reading order, each with the size of its largest letters."""
    pieces: list[tuple[str, float, float]] = []

    def visit(text: str, cm: Any, tm: Any, _font: Any, size: float) -> None:
        # The text matrix scales the font; some producers set size 1 and scale by it.
        scaled = round(abs(size * (tm[3] or tm[1] or 1)), 1)
        pieces.append((text, scaled, round(tm[5] * cm[3] + cm[5], 1)))

    page.extract_text(visitor_text=visit)
    lines: list[_Line] = []
    text, size, height = "", 0.0, 0.0
    for piece, piece_size, piece_height in pieces:
        for number, part in enumerate(piece.split("\n")):
            if number:
                lines.append(_Line(" ".join(text.split()), size, height))
                text, size = "", 0.0
            if part.strip():
                height = height if text else piece_height
                text, size = text + part, max(size, piece_size)
    lines.append(_Line(" ".join(text.split()), size, height))
    return [line for line in lines if line.text]


def _joined(lines: list[_Line], body_size: float) -> str:
    if not lines:
        return ""
    width = max(len(line.text) for line in lines)
    paragraphs: list[str] = []
    open_paragraph = False
    largest = max(line.size for line in lines)
    apart = _APART * _usual_space(lines)
    for line, after in zip(lines, [*lines[1:], None], strict=True):
        few = len(line.text.split()) <= _HEADING_WORDS
        if body_size and line.size >= _LARGER * body_size and few:
            mark = "#" if line.size == largest and not paragraphs else "##"
            paragraphs.append(f"{mark} {line.text}")
            open_paragraph = False
            continue
        item = bool(_LIST_ITEM.match(line.text))
        if open_paragraph and not item:
            paragraphs[-1] = _together(paragraphs[-1], line.text)
        else:
            paragraphs.append(line.text)
        open_paragraph = after is not None and (
            len(line.text) + 1 + len(after.text.split()[0]) >= _FILLED * width
            and not (apart and line.height - after.height > apart)
        )
    return _spaced(paragraphs)


def _usual_space(lines: list[_Line]) -> float:
    """Commonest distance of a line from the one above it, in points; 0 where there is none."""
    spaces = Counter(
        round(line.height - after.height) for line, after in pairwise(lines) if line.text
    )
    below = {space: times for space, times in spaces.items() if space > 0}
    return float(max(below, key=lambda space: below[space])) if below else 0.0


def _together(paragraph: str, line: str) -> str:
    # A hyphen between small letters at a line's end is the typesetter's.
    if re.search(r"[a-zß-ÿ]-$", paragraph) and line[:1].islower():
        return paragraph[:-1] + line
    return f"{paragraph} {line}"


def _spaced(paragraphs: list[str]) -> str:
    """Empty lines between paragraphs, none between the items of a list."""
    text = ""
    for paragraph, before in zip(paragraphs, ["", *paragraphs[:-1]], strict=True):
        both_items = _LIST_ITEM.match(paragraph) and _LIST_ITEM.match(before)
        text += ("" if not text else "\n" if both_items else "\n\n") + paragraph
    return text
