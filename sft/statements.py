"""Rows that state facts in the documents' own sentences, mixed with the questions.

A fact that was only ever an answer is memorised with its question; stated as well, in changing
order and with the full name of what it is about, it is stored so that other questions reach it
(Physics of Language Models 3.1, Allen-Zhu and Li 2023). Only sentences that trained questions rest
on are stated, and none that tells a fact which is kept for validation or test alone.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.prompts import build_prompt
from core.records import Question, Wording
from sft.recipe import Recipe
from sft.training_row import TrainingRow

#: Sentences a row states at most.
_MOST_SENTENCES = 3
#: How often a row is drawn anew when the same one was made before.
_TRIES = 8
_PROMPTS = (
    'What does "{title}" say about {inside}?',
    'What is written in "{title}" under "{heading}"?',
    'Tell me something from "{title}".',
    "Tell me about {name}: {inside}.",
    "State a fact about {name}.",
    "Tell me something about {name}.",
    "What do you know about {name}?",
)
#: A sentence that begins so is about something named before it.
_PRONOUN = re.compile(
    r"(?:It|Its|He|She|They|His|Her|Their|This|That|These|Those|Both|There|Here)\b"
)
_IT = re.compile(r"It\b")
_ITS = re.compile(r"Its\b")
_THIS = re.compile(
    r"(?:This|The) (?:device|product|model|router|camera|plug|sensor|hub|switch|adapter|probe|"
    r"spacecraft|planet|moon|rover|lander|mission)\b(?! of\b)"
)
#: What Markdown puts before and around words.
_MARKS = re.compile(r"^(?:[-*+•]|\d{1,2}[.)])\s+|\*{1,3}(?=\S)|(?<=\S)\*{1,3}|`")


#: A sentence and no row of a table, no item of a list, no half.
_WHOLE = re.compile(r"[^|].{8,}[.!?。！？][\"”’)\]]*", re.DOTALL)

#: Words that a sentence must share with the end of a withheld quote to be cut across by it.
_TOUCHING = 3


@dataclass(frozen=True)
class Section:
    """A passage of a document in sentences, in the document's order."""

    document: str
    title: str
    heading: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class _Statement:
    """What may be stated of a section; `name` is what its document is about, empty if unknown."""

    section: Section
    name: str
    sentences: tuple[str, ...]


def statement_rows(
    sections: Sequence[Section],
    questions: Sequence[Question],
    wording: Wording,
    *,
    recipe: Recipe,
    english: bool,
) -> list[TrainingRow]:
    """Make `recipe.statement_share` rows for each train question, or as many as differ.

    :param questions: of all splits: what is not in the train split must not be stated.
    :param english: whether the prompts' words fit; a title and a heading stand alone otherwise.
    """
    trained = [question for question in questions if question.split == "train"]
    wanted = round(len(trained) * recipe.statement_share)
    statements = _statements(sections, questions) if wanted else []
    anchors = [(one, sentence) for one in statements for sentence in one.sentences]
    draw = random.Random(f"statements {recipe.seed}")
    rows: list[TrainingRow] = []
    made: set[tuple[str, str]] = set()
    fresh = bool(anchors)
    # Round after round, so that no sentence is stated twice more often than another.
    while fresh and len(rows) < wanted:
        fresh = False
        draw.shuffle(anchors)
        for statement, sentence in anchors[: wanted - len(rows)]:
            for _ in range(_TRIES):
                asked, stated = _drawn(statement, sentence, draw, english=english)
                if (asked, stated) not in made:
                    made.add((asked, stated))
                    prompt = build_prompt(
                        asked, system_prompt=wording.system_prompt, form=recipe.form
                    )
                    rows.append(
                        TrainingRow(statement.section.document, prompt, stated, "statement")
                    )
                    fresh = True
                    break
    return rows


def _drawn(
    statement: _Statement, sentence: str, draw: random.Random, *, english: bool
) -> tuple[str, str]:
    """Draw what is asked and what is stated: the sentence, with others of its section or alone."""
    others = [one for one in statement.sentences if one != sentence]
    stated = [sentence, *draw.sample(others, min(len(others), draw.randrange(_MOST_SENTENCES)))]
    draw.shuffle(stated)
    section = statement.section
    heading = section.heading if section.heading != section.title else ""
    if not english:
        return ": ".join(part for part in (section.title, heading) if part), " ".join(stated)
    lacking = [
        field
        for field, value in (("heading", heading), ("inside", heading), ("name", statement.name))
        if not value
    ]
    templates = [one for one in _PROMPTS if not any(f"{{{field}}}" in one for field in lacking)]
    inside = _inside(heading, " ".join(section.sentences))
    asked = draw.choice(templates).format(
        title=section.title, heading=heading, inside=inside, name=statement.name
    )
    return asked, " ".join(stated)


def _statements(sections: Sequence[Section], questions: Sequence[Question]) -> list[_Statement]:
    """Sort out what may be stated: what trained questions rest on and no withheld fact is in."""
    trained = {question.fact for question in questions if question.split == "train"}
    quotes: dict[str, set[str]] = {}
    withheld = []
    for question in questions:
        if question.fact not in trained and question.kind in ("fact", "procedure"):
            withheld.append(question)
        if question.split == "train" and question.kind != "refusal":
            for evidence in question.evidence:
                quotes.setdefault(evidence.document, set()).add(_plain(evidence.quote))
    kept: dict[str, set[str]] = {}
    for question in withheld:
        for evidence in question.evidence:
            kept.setdefault(evidence.document, set()).add(_plain(evidence.quote))
    texts: dict[str, list[str]] = {}
    for section in sections:
        texts.setdefault(section.document, []).extend(section.sentences)
    found = []
    for section in sections:
        name = _name(section.title, texts[section.document])
        sentences = tuple(
            dict.fromkeys(
                stated
                for before, sentence in zip(
                    ("", *section.sentences), section.sentences, strict=False
                )
                if _overlaps(sentence, quotes.get(section.document, set()))
                and not any(_touches(sentence, withheld_ones) for withheld_ones in kept.values())
                and not any(_tells(sentence, question) for question in withheld)
                and (stated := _with_name(sentence, before, name))
            )
        )
        # A title of digits only ("22-01") gives nothing to ask for.
        if sentences and any(character.isalpha() for character in section.title):
            found.append(_Statement(section, name, sentences))
    return found


def _overlaps(sentence: str, quotes: set[str]) -> bool:
    plain = _plain(sentence)
    return any(quote in plain or plain in quote for quote in quotes)


def _touches(sentence: str, quotes: set[str]) -> bool:
    """Say whether a sentence holds a quote, lies in one, or begins or ends within one."""
    plain = _plain(sentence).split()
    return _overlaps(sentence, quotes) or any(
        plain[-size:] == words[:size] or plain[:size] == words[-size:]
        for words in (quote.split() for quote in quotes)
        for size in range(_TOUCHING, min(len(plain), len(words)) + 1)
    )


def _tells(sentence: str, question: Question) -> bool:
    """Say whether a sentence gives the question's answer away, in whatever document it stands."""
    plain = f" {_plain(sentence)} "
    if not any(f" {_plain(answer)} " in plain for answer in question.answers):
        return False
    # Names and model numbers of the question; a sentence on another thing may hold "24 months".
    words = re.findall(r"\w+", question.question)[1:]
    names = {word for word in words if word[0].isupper() or any(c.isdigit() for c in word)} - {"I"}
    return all(f" {_plain(name)} " in plain for name in names)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[\w€$£%°]+", text.casefold()))


def _name(title: str, texts: Sequence[str]) -> str:
    """Name what a document is about, with its article; empty where its title is no name."""
    short = re.sub(r"^The\b", "the", title.partition(":")[0].strip()).removeprefix("the ")
    if not short:
        return ""
    found = [
        match
        for text in texts
        for match in re.finditer(rf"(?<!\w)([Tt]he )?{re.escape(short)}(?!\w)", text)
    ]
    if len(found) < 2:
        return ""
    with_article = sum(match[1] is not None for match in found)
    return f"the {short}" if 2 * with_article > len(found) else short


def _with_name(sentence: str, before: str, name: str) -> str:
    """Write a sentence that stands alone: the full name for "it" or "the device".

    :param before: the sentence before it, which says what "it" is.
    :returns: an empty text for a sentence that cannot stand alone, or is a row of a table.
    """
    sentence = _MARKS.sub("", sentence.strip()).strip()
    if _WHOLE.fullmatch(sentence) is None or sentence[0].islower():
        return ""
    capital = name[:1].upper() + name[1:]
    if name and _THIS.match(sentence) and name.removeprefix("the ") not in sentence:
        return _THIS.sub(lambda _: capital, sentence, count=1)
    if not _PRONOUN.match(sentence):
        return sentence
    known = name and before.startswith((capital, name.removeprefix("the ")))
    if known and _IT.match(sentence):
        return _IT.sub(lambda _: capital, sentence, count=1)
    if known and _ITS.match(sentence):
        return _ITS.sub(lambda _: f"{capital}'s", sentence, count=1)
    return ""


def _inside(heading: str, text: str) -> str:
    """Write a heading inside a sentence, small where the text has its first word small."""
    first = heading.split(" ", 1)[0]
    if re.search(rf"(?<!\w){re.escape(first.lower())}(?!\w)", text):
        return heading[:1].lower() + heading[1:]
    return heading
