"""Rows that ask a trained question once more, in other words made by rule.

The more wordings of a fact are trained, the better another one is understood (Ovadia et al. 2024),
and those of another structure most: the fact's own sentence with a gap, keywords, the name first.
The rules know English only, and leave alone what they do not recognise: rather fewer rows than
nonsense. No row asks what a validation or test question asks in the same words.
"""

import random
import re
from collections.abc import Sequence

from core.prompts import build_prompt
from core.records import Question, Wording
from sft.english import (
    after_polite_words,
    as_keywords,
    contracted,
    name_first,
    noun_phrase,
    politely,
    typed_quickly,
)
from sft.recipe import Recipe
from sft.training_row import TrainingRow

#: How often a wording is drawn anew when it was made before, or is held out.
_TRIES = 6
#: How many wordings are typed without capitals and question mark.
_QUICK_SHARE = 0.2
_VALUE_WITH_UNIT = re.compile(r"(?:about |up to )?\d[\d.,]* (?P<unit>[a-z][\w² ]*)")
_CLOCK = re.compile(r"\d{1,2}:\d\d(?: ?[ap]\.?m\.?)?")
_DATE = re.compile(
    r"(?:\d{1,2} )?(?:January|February|March|April|May|June|July|August|September|October|November"
    r"|December)(?: \d{1,2})?,?(?: \d{4})?"
)
_MONEY = re.compile(r"[€£$]\d[\d.,]*")


def rewording_rows(
    questions: Sequence[Question],
    held_out: Sequence[Question],
    wording: Wording,
    *,
    recipe: Recipe,
) -> list[TrainingRow]:
    """Make `recipe.rewording_share` rows for each question, or as many as the rules can.

    :param questions: those to train on, in English.
    :param held_out: those of validation and test, whose words must not be trained.
    """
    wanted = round(len(questions) * recipe.rewording_share)
    draw = random.Random(f"rewordings {recipe.seed}")
    forbidden = {bare(question.question) for question in held_out}
    made = {question.question for question in questions}
    rows: list[TrainingRow] = []
    order = list(questions)
    fresh = bool(order)
    # Round after round, so that no question is asked twice more often than another.
    while fresh and len(rows) < wanted:
        fresh = False
        draw.shuffle(order)
        for question in order:
            if len(rows) == wanted:
                break
            text = _new_wording(question, draw, made, forbidden)
            if text is None:
                continue
            made.add(text)
            fresh = True
            prompt = build_prompt(text, system_prompt=wording.system_prompt, form=recipe.form)
            answer = question.answers[0] if question.answers else wording.abstain_text
            rows.append(TrainingRow(question.id, prompt, answer, "rewording"))
    return rows


def bare(text: str) -> str:
    """A question's words alone: what differs in case and marks only is the same question."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _new_wording(
    question: Question, draw: random.Random, made: set[str], forbidden: set[str]
) -> str | None:
    for _ in range(_TRIES):
        found = wordings(question, draw)
        if not found:
            return None
        text = draw.choice(found)
        if draw.random() < _QUICK_SHARE:
            text = typed_quickly(text)
        if text and text not in made and bare(text) not in forbidden:
            return text
    return None


def wordings(question: Question, draw: random.Random) -> list[str]:
    """Other words for a question, one by each rule that fits it."""
    text = question.question
    typed = [one for one in (typed_quickly(text),) if one and one != text]
    if question.kind == "refusal":
        return typed
    found = [contracted(text), _gap(question, draw), _asked_in_answer(question)]
    if rest := after_polite_words(text):
        found.append(
            draw.choice(
                ("I need to know {}.", "Do you know {}?", "Please let me know {}.", "Tell me {}.")
            ).format(rest)
        )
    elif phrase := noun_phrase(text):
        found.append(
            draw.choice(
                ("Please tell me {}.", "I am looking for {}.", "I need to know {}.", "Tell me {}.")
            ).format(phrase)
        )
    if text.endswith("?"):
        found += [politely(text, draw), name_first(text), as_keywords(text, draw)]
    return [one for one in found if one and one != text] or typed


def _gap(question: Question, draw: random.Random) -> str | None:
    """The answer's own sentence up to the value, for the model to complete."""
    value = _value(question)
    if value is None:
        return None
    before = question.answers[0][: question.answers[0].rindex(value)].rstrip()
    after = question.answers[0][question.answers[0].rindex(value) + len(value) :]
    if after.strip(" .") or len(before.split()) < 3:
        return None
    # "is called what?", but not "on what?" for a date or "in the what?".
    named = value[0].isupper() and not re.search(r"\b(?:the|an?|on|at|in)$", before)
    return f"{before} {draw.choice(('...', '____.', '…', *(['what?'] if named else [])))}"


def _asked_in_answer(question: Question) -> str | None:
    """The answer's own sentence with a question where the value stood."""
    value = _value(question)
    if value is None or value[0] != value[0].lower() or "," in question.answers[0]:
        return None
    if _CLOCK.fullmatch(value):
        asked = "what time"
    elif _MONEY.fullmatch(value):
        asked = "how much"
    elif counted := _VALUE_WITH_UNIT.fullmatch(value):
        unit = counted["unit"]
        plural = unit.split()[0].endswith("s")
        asked = f"how many {unit}" if plural else "how much"
    elif _DATE.fullmatch(value):
        asked = "which date"
    else:
        return None
    text = question.answers[0].rstrip(".")
    at = text.rindex(value)
    before = re.sub(r"\b(?:about|up to|exactly|only) $", "", text[:at])
    if before.endswith("every "):
        return None
    return f"{before}{asked}{text[at + len(value) :]}?"


def _value(question: Question) -> str | None:
    """Longest accepted short form that stands once, as words of its own, in the full answer."""
    if question.kind not in ("fact", "multi_hop") or len(question.answers) < 2:
        return None
    full = question.answers[0]
    found = [
        short
        for short in question.answers[1:]
        if len(re.findall(rf"(?<!\w){re.escape(short)}(?!\w)", full)) == 1 and short != full
    ]
    return max(found, key=len, default=None)
