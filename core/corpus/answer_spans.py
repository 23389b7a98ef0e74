"""Finds what in an English sentence could be asked for, and how such a question begins."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MONTH = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
)  # fmt: skip
_NUMBER = r"(?<![\w.,])\d[\d,]*(?:\.\d+)?"
_DURATION = "seconds?|minutes?|hours?|days?|weeks?|months?|years?"
_LENGTH = "mm|cm|m|km|millimetres?|centimetres?|metres?|kilometres?|miles?|feet"
_WEIGHT = "g|kg|grams?|kilograms?|tonnes?|pounds?"
#: What begins a question for each kind of answer; the model completes it.
_PATTERNS = (
    (rf"[€$£]\s?{_NUMBER}|{_NUMBER} (?:euros?|dollars?|pounds)\b", ("How much",)),
    (rf"\d{{1,2}} (?:{_MONTH}) \d{{4}}|(?:{_MONTH}) \d{{4}}|\d{{1,2}} (?:{_MONTH})\b", ("When",)),
    (r"\d{1,2}[:.]\d{2}(?: to \d{1,2}[:.]\d{2})?", ("When", "At what time")),
    (rf"{_NUMBER} (?:working |calendar )?(?:{_DURATION})\b", ("How long", "For how long")),
    (rf"{_NUMBER} (?:{_LENGTH})\b", ("How far", "How long", "What is the")),
    (rf"{_NUMBER} (?:{_WEIGHT})\b", ("How heavy", "How much")),
    (r"\b(?:1[5-9]|20)\d\d\b", ("In which year",)),
    (rf"{_NUMBER} (?:per cent|%|°C|W|[A-Za-z]{{3,}}s)(?![A-Za-z])", ("How many", "What")),
    (r"(?<=called )(?:the )?[A-Z][\w-]*(?: [A-Z0-9][\w-]*)*", ("What is the name of",)),
    (r"(?<=named )(?:the )?[A-Z][\w-]*(?: [A-Z0-9][\w-]*)*", ("What is the name of",)),
    (r"(?<=[“\"])[^“”\"]{2,60}(?=[”\"])", ("What",)),
    (r"(?<= by )[A-Z][\w-]*(?: [A-Z0-9][\w-]*)*", ("Who", "What")),
    (r"(?<= in )[A-Z][\w-]*(?: [A-Z0-9][\w-]*)*", ("Where",)),
    (r"(?<= is )[A-Z][\w-]*(?: [A-Z0-9][\w-]*)+", ("Who", "What")),
)


@dataclass(frozen=True)
class Span:
    """A stretch of a sentence that could be asked for, and how its questions may begin."""

    text: str
    start: int
    openings: tuple[str, ...]


def answer_spans(sentence: str) -> list[Span]:
    """Find the spans of a sentence, without overlaps, in its order."""
    found: list[Span] = []
    for span in _all(sentence):
        end = span.start + len(span.text)
        if not any(span.start < one.start + len(one.text) and one.start < end for one in found):
            found.append(span)
    return sorted(found, key=lambda span: span.start)


def _all(sentence: str) -> Iterator[Span]:
    """Spans of every pattern, those of the more telling patterns first."""
    for pattern, openings in _PATTERNS:
        for match in re.finditer(pattern, sentence):
            # What the sentence begins with is what it is about, and is not asked for.
            if match.start() > 0:
                yield Span(match.group(), match.start(), openings)
