"""Proposes questions on a document: drafts that a person accepts, edits or rejects.

The local model turns a sentence into questions that begin as the answer's kind asks for ("How
long", "Where"). A draft is kept only if the model, reading the sentence, answers its own question
with the answer it was made for (round-trip consistency, Alberti et al. 2019), and if the question
neither gives the answer away nor leaves open what it is about.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import Stemmer

from core.corpus.answer_spans import Span, answer_spans
from core.corpus.similar import words
from core.prompts import Prompt, build_prompt, question_prompts
from core.records import Document, Evidence, Passage, Question

#: The model: texts that complete prompts, in their order.
Write = Callable[[Sequence[Prompt]], list[str]]

_FEWEST_WORDS, _MOST_WORDS = 6, 45
#: The share of its telling words that a question must take from its sentence.
_ABOUT = 0.65
#: Words that say nothing of what a question is about.
_LIGHT = frozenset(
    "a an and are as at be by can do does for from had has have how i in is it its long many much "
    "name of on or that the their this to was we were what when where which who will with you "
    "your".split()
)


@dataclass(frozen=True)
class _Try:
    sentence: Passage
    span: Span
    opening: str
    question: str


def draft_questions(
    document: Document, sentences: Sequence[Passage], write: Write, *, count: int = 10
) -> list[Question]:
    """Propose up to `count` questions on a document, spread over its sentences in order.

    :param sentences: the document's sentences, with their offsets.
    :param write: completes prompts with the local model.
    :returns: questions of status "draft", each with its evidence; fewer where few came out well.
    """
    tries = [
        tried
        for sentence in sentences
        if _FEWEST_WORDS <= len(sentence.text.split()) <= _MOST_WORDS
        for tried in _tries(sentence, write)
    ]
    answers = write([build_prompt(one.question, [one.sentence]) for one in tries]) if tries else []
    spans: dict[str, set[str]] = {}
    for tried in tries:
        spans.setdefault(tried.question, set()).add(tried.span.text)
    best: dict[tuple[int, int], tuple[float, _Try]] = {}
    for tried, answer in zip(tries, answers, strict=True):
        # A question made for two answers has two answers.
        if len(spans[tried.question]) > 1 or not _holds(answer, tried.span.text):
            continue
        key = (tried.sentence.start, tried.span.start)
        score = _aboutness(tried)
        if key not in best or score > best[key][0]:
            best[key] = (score, tried)
    ranked = sorted(best.values(), key=lambda scored: -scored[0])[:count]
    in_order = sorted((tried for _, tried in ranked), key=lambda tried: tried.sentence.start)
    return [_row(document, tried, number) for number, tried in enumerate(in_order, start=1)]


def _tries(sentence: Passage, write: Write) -> Iterator[_Try]:
    asked = [
        (span, opening, prompt)
        for span in answer_spans(sentence.text)
        for opening in span.openings
        for prompt in question_prompts(sentence.text, opening)
    ]
    seen = set()
    for (span, opening, _), text in zip(
        asked, write([prompt for _, _, prompt in asked]) if asked else [], strict=True
    ):
        question = " ".join(f"{opening} {text.split('?')[0]}?".split())
        question = re.sub(r" (?=[?,]|'s\b)", "", question)
        tried = _Try(sentence, span, opening, question)
        if (span, question) not in seen and _usable(tried):
            seen.add((span, question))
            yield tried


def _usable(tried: _Try) -> bool:
    """Say whether a question is one, does not give its answer away, and is about the sentence."""
    question = tried.question
    numbers = {word for word in words(tried.span.text) if word.isdigit()}
    if numbers & set(words(question)):  # "a 75-minute battery" gives 75 minutes away
        return False
    strays = re.search(r"[.!:](?:\s|\?)|^What an? ", question)
    if strays or not 4 <= len(question.split()) <= 30:
        return False
    return not _holds(question, tried.span.text) and _aboutness(tried) >= _ABOUT


def _aboutness(tried: _Try) -> float:
    """Share (0..1) of the question's telling words that stand in the sentence outside the answer.

    0 when it lacks every name of the sentence: "How long does it last?" could be about anything.
    """
    sentence, span = tried.sentence.text, tried.span
    rest = f"{sentence[: span.start]} {sentence[span.start + len(span.text) :]}"
    asked = set(words(tried.question)) - _LIGHT - set(words(tried.opening))
    names = {word for token in rest.split() if token[:1].isupper() for word in words(token)}
    names -= _LIGHT
    if not asked or (names and not asked & names):
        return 0.0
    told = _stems(set(words(rest)))
    return len(_stems(asked) & told) / len(_stems(asked))


def _stems(found: set[str]) -> set[str]:
    return set(Stemmer.Stemmer("english").stemWords(list(found)))


def _holds(text: str, span: str) -> bool:
    wanted, given = words(span), words(text)
    return any(
        given[start : start + len(wanted)] == wanted
        for start in range(len(given) - len(wanted) + 1)
    )


def _as_answer(sentence: str) -> str:
    """A sentence on one line, without a list's mark before it."""
    return re.sub(r"^(?:[-*+]|\d+[.)]) ", "", " ".join(sentence.split()))


def _row(document: Document, tried: _Try, number: int) -> Question:
    name = f"draft-{document.id.replace('/', '-')}-{tried.sentence.start}-{number}"
    return Question(
        id=name,
        question=tried.question,
        answers=(_as_answer(tried.sentence.text), tried.span.text),
        evidence=(Evidence(document=document.id, quote=tried.sentence.text),),
        kind="fact",
        fact=name,
        status="draft",
    )
