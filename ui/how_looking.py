"""What the tab shows of one question: looked up with the encoder alone, no language model loaded.

The tokenizer is read for the tokens; the weights are not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from core.chat import prompt_ids
from core.corpus.read import Corpus
from core.errors import CorpusError, ProjectError
from core.prompts import Prompt, build_prompt
from core.records import Hit, Question
from rag.floor import Floor, nearness
from rag.library import Found
from sft.adapters import Adapter, active_adapter
from sft.recipe import Recipe
from sft.run_folder import RunFolder, read_curve
from sft.training_row import TrainingRow, tokenise
from ui.how_adapter import Added, what_is_added
from ui.how_tokens import Part, Token, told_apart
from ui.questions import reference_of
from workbench import Workbench

#: Passages that a question is compared with at most; of more, the nearest are.
_COMPARED = 500
_NEAREST = 5

_Side = TypeVar("_Side")


@dataclass(frozen=True)
class Lookup:
    """The four steps of looking one question up."""

    encoder: str
    vector: np.ndarray
    #: The nearest passages and a few far ones, by rank in likeness from 1, and of how many.
    compared: tuple[tuple[int, Hit], ...]
    passages: int
    found: Found
    floor: Floor
    #: Likeness of the question and the nearest sentence found.
    near: float
    #: The prompt token by token; empty where the answer is withheld.
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Lesson:
    """How training would teach the question, or the trained one nearest to it."""

    question: Question
    #: What the trained question has to do with the one that was asked, in a sentence.
    why: str
    answer: str
    prompt: Prompt
    tokens: tuple[Token, ...]
    adapter: Adapter | None
    curve: tuple[dict[str, float], ...]
    #: What the adapter adds to the weights; None where it is no LoRA adapter.
    added: Added | None


@dataclass(frozen=True)
class Look:
    """Both sides of one question; a side that cannot be shown says why."""

    question: str
    lookup: Lookup | str
    lesson: Lesson | str


def look(workbench: Workbench, domain: str, question: str) -> Look:
    """Look one question up, and find how training would teach it.

    :raises ProjectError: when the question or the domain cannot be used at all.
    """
    workbench.check_question(question)
    corpus = workbench.corpus(domain)
    asked = question.strip()
    return Look(
        asked,
        _or_why(lambda: lookup(workbench, corpus, asked)),
        _or_why(lambda: lesson(workbench, corpus, asked)),
    )


def lookup(workbench: Workbench, corpus: Corpus, question: str) -> Lookup:
    """Take the four steps of retrieval as the arm does."""
    library = workbench.library(corpus)
    found = library.find(question)
    encoder = workbench.encoder()
    others = library.retriever.retrieve(question, _COMPARED)
    alike = sorted(
        (hit for hit in others if hit.similarity is not None),
        key=lambda hit: -(hit.similarity or 0.0),
    )
    tokens: list[Token] = []
    if not found.withheld:
        read = found.read[: library.windows]
        prompt = build_prompt(question, read, system_prompt=corpus.wording.system_prompt)
        texts: list[tuple[str, Part]] = [(prompt.system, "told")]
        texts += [(" ".join(passage.text.split()), "read") for passage in read]
        texts += [(question, "asked"), (prompt.answer_prefix, "begun")]
        tokenizer = workbench.tokenizer()
        tokens = told_apart(prompt_ids(prompt, tokenizer), tokenizer, texts=texts)
    return Lookup(
        encoder=encoder.reference.removeprefix("embedded:"),
        vector=encoder.encode_questions([question])[0],
        compared=tuple((rank, alike[rank - 1]) for rank in shown_ranks(len(alike))),
        passages=len(alike),
        found=found,
        floor=library.floor,
        near=nearness(found.hits),
        tokens=tuple(tokens),
    )


def shown_ranks(count: int) -> list[int]:
    """The nearest few, then those halfway down and at the end: how unlike most passages are."""
    far = [_NEAREST + (count - _NEAREST) * part // 4 for part in (1, 2, 3, 4)]
    nearest = list(range(1, min(_NEAREST, count) + 1))
    return sorted({*nearest, *(rank for rank in far if _NEAREST < rank <= count)})


def lesson(workbench: Workbench, corpus: Corpus, question: str) -> Lesson:
    """Make the row that training makes of the question, or of the trained one nearest to it.

    :raises CorpusError: when nothing is trained on.
    """
    trained = corpus.of_split("train")
    if not trained:
        raise CorpusError(
            f"The corpus {corpus.name} has no labelled question of the train split, so nothing "
            "is learnt from it."
        )
    taught, why = _taught(corpus, question, trained)
    adapter = active_adapter(workbench.state, corpus.name)
    recipe = adapter.manifest.recipe if adapter is not None else Recipe()
    answer = taught.answers[0] if taught.answers else corpus.wording.abstain_text
    prompt = build_prompt(
        taught.question, system_prompt=corpus.wording.system_prompt, form=recipe.form
    )
    tokenizer = workbench.tokenizer()
    [row] = tokenise(
        [TrainingRow(taught.id, prompt, answer)], tokenizer, max_tokens=recipe.max_tokens
    ).rows
    tokens = told_apart(
        row["input_ids"],
        tokenizer,
        texts=[(prompt.system, "told"), (taught.question, "asked")],
        learnt=[label != -100 for label in row["labels"]],
    )
    return Lesson(
        question=taught,
        why=why,
        answer=answer,
        prompt=prompt,
        tokens=tuple(tokens),
        adapter=adapter,
        curve=_curve(workbench, adapter),
        added=what_is_added(adapter, workbench.settings) if adapter else None,
    )


def _taught(corpus: Corpus, question: str, trained: Sequence[Question]) -> tuple[Question, str]:
    reference = reference_of(corpus, question)
    if reference is not None and reference.split == "train":
        return reference, "This very question is one of those that are trained on."
    same = [one for one in trained if reference is not None and one.fact == reference.fact]
    found = _nearest_by_words(question, same or trained)
    if same:
        number = f"{len(same)} other wording{'s' if len(same) > 1 else ''}"
        return found, f"The question itself is held back; its fact is trained in {number}, as here."
    if reference is not None:
        words = "The question is held back and its fact is in no trained row: from memory it can "
        return found, words + "only be guessed. This is the trained question most like it in words."
    return found, "This is the trained question whose words are most like yours."


def _nearest_by_words(question: str, among: Sequence[Question]) -> Question:
    from rapidfuzz import fuzz  # noqa: PLC0415  (slow to import)

    asked = question.lower()
    return max(among, key=lambda one: fuzz.token_set_ratio(asked, one.question.lower()))


def _curve(workbench: Workbench, adapter: Adapter | None) -> tuple[dict[str, float], ...]:
    """The run's curve, where the run was made here and is still there."""
    if adapter is None or not adapter.manifest.run:
        return ()
    path = RunFolder(workbench.state / "runs" / adapter.manifest.run).curve
    return tuple(read_curve(path)) if path.is_file() else ()


def _or_why(made: Callable[[], _Side]) -> _Side | str:
    try:
        return made()
    except ProjectError as error:
        return str(error)
