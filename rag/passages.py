"""Cuts documents into passages and passages into sentences, with exact offsets.

`document.text[start:end] == passage.text`, always. `semantic-text-splitter` keeps offsets exact
(splitters that search for the text afterwards are often wrong) and never cuts a paragraph that
fits.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from semantic_text_splitter import MarkdownSplitter

from core.records import Document, Passage

#: The most characters in a passage: a section or a long paragraph, whole. MiniLM reads 256 word
#: pieces, about 1,100 characters, and a paragraph found whole beats the halves of it.
PASSAGE_CHARACTERS = 1200

_HEADING = re.compile(
    # Code between fences is passed over: a comment in it is no heading.
    r"^ {0,3}(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})(?s:.*?)(?:^ {0,3}(?P=fence)|\Z)"
    r"|^(?P<level>#{1,6})[ \t]+(?P<name>.+?)[ \t]*#*$",
    re.MULTILINE,
)
#: A sentence ends at . ! ? (or their CJK forms) before a space, or at a line's end.
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*(?=\s)|(?<=[。！？])|\n+")
#: Words before a full stop that end no sentence.
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|approx|No|Fig|Inc|Ltd|Co|Jr|Sr|U\.S|e\.g|i\.e)|\b[A-Z])\.$"
)


def split_document(document: Document) -> list[Passage]:
    """Cut one document into passages, in order: its sections, long ones cut between paragraphs."""
    splitter = MarkdownSplitter(PASSAGE_CHARACTERS)
    passages = []
    for begin, end, heading in _within_pages(document, _sections(document)):
        for offset, text in splitter.chunk_indices(document.text[begin:end]):
            start = begin + offset
            passages.append(
                Passage(
                    id=f"{document.id}#{start}",
                    document_id=document.id,
                    start=start,
                    end=start + len(text),
                    text=text,
                    heading=heading or document.title,
                    page=_page(document, start),
                )
            )
    return passages


def _within_pages(
    document: Document, sections: Sequence[tuple[int, int, str]]
) -> Iterator[tuple[int, int, str]]:
    """Cut sections where a page begins, so that a passage's page is the page of all of it."""
    for begin, end, heading in sections:
        cuts = [begin, *(start for start in document.pages if begin < start < end), end]
        for first, last in pairwise(cuts):
            if document.text[first:last].strip():
                yield first, last, heading


def _page(document: Document, start: int) -> int | None:
    """Page on which an offset of the document lies, from 1; None for files without pages."""
    return bisect_right(document.pages, start) or None


def searched_text(passage: Passage) -> str:
    """What of a passage is encoded: its heading path, then its text."""
    return f"{passage.heading}\n{passage.text}" if passage.heading else passage.text


def sentence_texts(passage: Passage) -> list[str]:
    """What of a passage's sentences is encoded: the heading path before each."""
    # A passage without a sentence (a rule, a row of dots) stands for itself.
    return [f"{passage.heading}: {one.text}" for one in sentences(passage) or [passage]]


def _sections(document: Document) -> list[tuple[int, int, str]]:
    """(start, end, heading path) of each stretch of words below a heading or before the first."""
    found = []
    path: list[tuple[int, str]] = []
    begin, own = 0, (0, 0)
    matches = [match for match in _HEADING.finditer(document.text) if match["level"]]
    for match in [*matches, None]:
        end = match.start() if match else len(document.text)
        level = len(match["level"]) if match else 0
        if document.text[begin:end].strip():
            found.append((begin, end, _joined(path)))
        elif path and level <= path[-1][0]:
            # No passage stands below this heading, so its own words are one.
            found.append((*own, _joined(path[:-1])))
        if match:
            path = [(above, name) for above, name in path if above < level]
            path.append((level, match["name"]))
            begin, own = match.end(), match.span("name")
    return found


def _joined(path: Sequence[tuple[int, str]]) -> str:
    return " › ".join(name for _, name in path)


def sentences(passage: Passage) -> list[Passage]:
    """The passage's sentences as passages of their own, offsets in the same document."""
    found: list[Passage] = []
    begin = 0
    for end in _sentence_ends(passage.text):
        piece = passage.text[begin:end]
        stripped = piece.strip()
        if stripped and not _is_rule(stripped):
            start = begin + piece.index(stripped)
            found.append(_part(passage, start, start + len(stripped)))
        begin = end
    return found


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of each sentence of a text, without the space around it."""
    found = []
    begin = 0
    for end in _sentence_ends(text):
        piece = text[begin:end]
        if stripped := piece.strip():
            start = begin + piece.index(stripped)
            found.append((start, start + len(stripped)))
        begin = end
    return found


def join(passage: Passage, parts: Sequence[Passage]) -> Passage:
    """The stretch of `passage` from the first to the last of its `parts`."""
    start = min(part.start for part in parts) - passage.start
    end = max(part.end for part in parts) - passage.start
    return _part(passage, start, end)


def _part(passage: Passage, start: int, end: int) -> Passage:
    return Passage(
        id=f"{passage.document_id}#{passage.start + start}-{passage.start + end}",
        document_id=passage.document_id,
        start=passage.start + start,
        end=passage.start + end,
        text=passage.text[start:end],
        heading=passage.heading,
        page=passage.page,
    )


def _sentence_ends(text: str) -> list[int]:
    ends = [
        match.end()
        for match in _SENTENCE_END.finditer(text)
        if "\n" in match.group() or not _ABBREVIATION.search(text[: match.start()][-12:])
    ]
    return [*ends, len(text)]


def _is_rule(line: str) -> bool:
    """A line of a table's frame or a horizontal rule holds no words."""
    return not any(character.isalnum() for character in line)
