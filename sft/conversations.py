"""Rows of several turns: chats on one document made of its questions, and chats of the user's own.

Only the last answer of a row is supervised; what was said before it stands in the prompt, as it
does when somebody goes on asking.
"""

import random
from collections.abc import Sequence

from core.corpus.chats import Chat
from core.prompts import build_prompt
from core.records import Question, Wording
from sft.recipe import Recipe
from sft.training_row import TrainingRow

#: Turns before the last.
_MOST_EARLIER = 2


def multi_turn_rows(
    questions: Sequence[Question], wording: Wording, *, recipe: Recipe
) -> list[TrainingRow]:
    """Make `recipe.multi_turn_share` rows for each question, or as many as there are documents for.

    The turns before the last ask for other facts of the same document.

    :param questions: those to train on.
    """
    wanted = round(len(questions) * recipe.multi_turn_share)
    if not wanted:
        return []
    draw = random.Random(f"multi-turn {recipe.seed}")
    on_document: dict[str, list[Question]] = {}
    for question in questions:
        for document in {evidence.document for evidence in question.evidence}:
            if question.answers:
                on_document.setdefault(document, []).append(question)
    order = [question for question in questions if question.evidence]
    draw.shuffle(order)
    rows: list[TrainingRow] = []
    for question in order:
        if len(rows) == wanted:
            break
        earlier = _earlier(question, on_document.get(question.evidence[0].document, []), draw)
        if not earlier or not question.answers:
            continue
        prompt = build_prompt(
            question.question,
            system_prompt=wording.system_prompt,
            history=tuple((one.question, one.answers[0]) for one in earlier),
            form=recipe.form,
        )
        rows.append(TrainingRow(question.id, prompt, question.answers[0], "multi-turn"))
    return rows


def _earlier(question: Question, others: list[Question], draw: random.Random) -> list[Question]:
    """One or two questions for other facts of the document, a fact once."""
    by_fact = {question.fact}
    found: list[Question] = []
    wanted = draw.randint(1, _MOST_EARLIER)
    for other in draw.sample(others, len(others)):
        if len(found) == wanted:
            break
        if other.fact not in by_fact:
            by_fact.add(other.fact)
            found.append(other)
    return found


def chat_rows(chats: Sequence[Chat], wording: Wording, *, recipe: Recipe) -> list[TrainingRow]:
    """Make a row of every answer of the user's own chats, with what was said before it."""
    return [
        TrainingRow(
            chat.id,
            build_prompt(
                question,
                system_prompt=chat.system or wording.system_prompt,
                history=chat.turns[:place],
                form=recipe.form,
            ),
            answer,
            "chat",
        )
        for chat in chats
        for place, (question, answer) in enumerate(chat.turns)
    ]
