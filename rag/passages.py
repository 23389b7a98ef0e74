"""Cuts documents into passages and passages into sentences, with exact offsets.

`document.text[start:end] == passage.text`, always. `semantic-text-splitter` keeps offsets exact
(splitters that search for the text afterwards are often wrong) and never cuts a paragraph that
fits.
"""

import re
from collections.abc import Sequence

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
    for begin, end, heading in _sections(document):
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
                )
            )
    return passages


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
