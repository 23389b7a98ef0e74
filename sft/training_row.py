"""One supervised example, and its tokens: what is supervised, and what is too long to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.chat import answer_ids, prompt_ids
from core.errors import TrainingError
from core.prompts import Prompt

RowKind = Literal[
    "closed book",
    "open book",
    "right passage and distractor",
    "distractors only",
    "substituted",
    "other subject",
    "statement",
    "rewording",
    "multi-turn",
    "chat",
    "replay",
]
#: How many question ids a sentence about rows names.
NAMED = 3


@dataclass(frozen=True)
class TrainingRow:
    """One supervised example; `kind` is what it is counted as."""

    question_id: str
    prompt: Prompt
    completion: str
    kind: RowKind = "closed book"


@dataclass(frozen=True)
class TokenisedRows:
    """Rows as token ids and labels, and the questions of those that were too long."""

    rows: list[dict]
    #: Ids of rows whose answer fits and whose prompt does not leave it room.
    too_long: tuple[str, ...] = ()
    #: Ids of rows whose answer alone is longer than a row may be.
    too_long_answers: tuple[str, ...] = ()

    def findings(self, *, max_tokens: int) -> list[str]:
        """Say in sentences what was left out, and why; empty when nothing was."""
        found = []
        for ids, part in (
            (self.too_long, "with what is asked and read"),
            (self.too_long_answers, "by the answer alone"),
        ):
            if ids:
                found.append(
                    f"{counted(len(ids), 'row')} left out: longer than {max_tokens} tokens {part} "
                    f"({named(ids)}). Shorten them, or raise max_tokens."
                )
        return found


def tokenise(rows: Sequence[TrainingRow], tokenizer: Any, *, max_tokens: int) -> TokenisedRows:
    """Token ids and labels of rows; only the completion and the end token after it are supervised.

    The prompt is tokenised as inference does it, so training never sees another boundary. A row of
    more than `max_tokens` is left out, never cut: a cut row would lose its answer.

    :raises TrainingError: when every row is too long, or one lacks a supervised token.
    """
    tokenised: list[dict] = []
    too_long: list[str] = []
    too_long_answers: list[str] = []
    for row in rows:
        # Set by hand: pad and end are one token here, and a collator that masks pads would
        # mask the end too, so that the model never learns to stop.
        completion = [*answer_ids(row.completion.strip(), tokenizer), tokenizer.eos_token_id]
        if len(completion) > max_tokens:
            too_long_answers.append(row.question_id)
            continue
        start = prompt_ids(row.prompt, tokenizer)
        ids = [*start, *completion]
        if len(ids) > max_tokens:
            too_long.append(row.question_id)
            continue
        labels = [-100] * len(start) + completion
        tokenised.append({"input_ids": ids, "labels": labels, "length": len(ids)})
    if rows and not tokenised:
        longest = [*too_long_answers, *too_long]
        raise TrainingError(
            f"Nothing is left to learn from: {counted(len(rows), 'row')} of {len(rows)} longer "
            f"than the {max_tokens} tokens that the recipe allows, {len(too_long_answers)} of them "
            f"by the answer alone ({named(longest)}). Shorten the answers, or raise max_tokens."
        )
    check_supervision(tokenised, end_id=tokenizer.eos_token_id)
    return TokenisedRows(tokenised, tuple(too_long), tuple(too_long_answers))


def check_supervision(tokenised: Sequence[Mapping[str, Any]], *, end_id: int) -> None:
    """Every row must supervise at least one word and the end token.

    :raises TrainingError: naming the first row that does not.
    """
    if not tokenised:
        raise TrainingError("There is no row to train on: the corpus has no train questions.")
    for number, row in enumerate(tokenised, start=1):
        supervised = [label for label in row["labels"] if label != -100]
        if len(supervised) < 2:
            raise TrainingError(f"Row {number} has no supervised token: its answer is empty.")
        if supervised[-1] != end_id:
            raise TrainingError(f"Row {number} does not supervise the end token.")


def counted(number: int, noun: str) -> str:
    """Write "1 row is" or "3 rows are"."""
    return f"{number} {noun} is" if number == 1 else f"{number} {noun}s are"


def named(ids: Sequence[str]) -> str:
    """Write the first few of the ids, each once, and how many more there are."""
    different = list(dict.fromkeys(ids))
    more = len(different) - NAMED
    return ", ".join(different[:NAMED]) + (f" and {more} more" if more > 0 else "")
