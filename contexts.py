"""Training rows with what an open-book arm would read for each question.

Fine-tuning and retrieval never import each other; this hands over plain records between them.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.corpus.read import Corpus
from core.records import Document, Passage, Question
from rag.library import Library
from rag.passages import join, sentences, split_document
from sft.conversations import chat_rows, multi_turn_rows
from sft.english import looks_english
from sft.recipe import Recipe
from sft.rewordings import rewording_rows
from sft.row_checks import check_questions, check_rows
from sft.rows import Context, build_rows
from sft.statements import Section, statement_rows
from sft.subjects import Subjects
from sft.substitution import Substitutes
from sft.training_row import TrainingRow

#: Kinds of rows that have something to read.
_OPEN_BOOK = (
    "open book", "right passage and distractor", "distractors only", "substituted", "other subject"
)  # fmt: skip


@dataclass(frozen=True)
class TrainingRows:
    """What a run trains on and validates with; `findings` are sentences to show before it."""

    rows: list[TrainingRow]
    validation: list[TrainingRow]
    findings: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many rows to train on there are of each kind, most first."""
        return dict(Counter(row.kind for row in self.rows).most_common())


def training_rows(
    corpus: Corpus, replay: Corpus | None, library: Library | None, *, recipe: Recipe
) -> TrainingRows:
    """Build the rows to train on and to validate with, and look at them.

    :param replay: general questions mixed in against forgetting, in their own corpus's words.
    :param library: gives open-book rows their context; None trains closed-book only.
    :raises TrainingError: when the data make a run pointless: see `sft.row_checks`.
    """
    train, validation = corpus.of_split("train"), corpus.of_split("validation")
    findings = check_questions(train, validation, [one.text for one in corpus.documents])
    contexts = {}
    if library is not None and recipe.open_book_share:
        library = replace(library, windows=recipe.read_windows or library.windows)
        contexts = training_contexts(corpus, [*train, *validation], library)
    rows = build_rows(
        train,
        corpus.wording,
        contexts=contexts,
        recipe=recipe,
        substitutes=Substitutes(train, english=_english(corpus)),
        subjects=Subjects(train, english=_english(corpus)),
    )
    more = further_rows(corpus, recipe=recipe)
    if more:
        rows += more
        random.Random(f"order {recipe.seed}").shuffle(rows)
    wanted = round((len(train) + _answers(corpus)) * recipe.replay_share)
    if replay is not None and wanted:
        general = build_rows(replay.of_split("train"), replay.wording, contexts={}, recipe=recipe)
        rows += [replace(row, kind="replay") for row in general[:wanted]]
    kept, found = check_rows(rows)
    changed = ("distractor_share", "substituted_share", "other_subject_share")
    plain = recipe.model_copy(update=dict.fromkeys(changed, 0.0))
    held_out = build_rows(validation, corpus.wording, contexts=contexts, recipe=plain)
    findings += [*found, *_unmet(kept, recipe, len(train))]
    return TrainingRows(kept, held_out, tuple(findings))


def further_rows(corpus: Corpus, *, recipe: Recipe) -> list[TrainingRow]:
    """Make the rows that need no retrieval: statements, other wordings and chats."""
    train, english = corpus.of_split("train"), _english(corpus)
    held_out = [question for question in corpus.questions if question.split != "train"]
    rows = []
    if recipe.statement_share:
        rows += statement_rows(
            document_sections(corpus.documents),
            corpus.questions,
            corpus.wording,
            recipe=recipe,
            english=english,
        )
    if recipe.rewording_share and english:
        rows += rewording_rows(train, held_out, corpus.wording, recipe=recipe)
    rows += multi_turn_rows(train, corpus.wording, recipe=recipe)
    return rows + chat_rows(corpus.chats, corpus.wording, recipe=recipe)


def document_sections(documents: Iterable[Document]) -> list[Section]:
    """Cut documents into passages and these into sentences, as statements are drawn from them."""
    return [
        Section(
            document.id,
            document.title,
            passage.heading.rpartition(" › ")[2],
            tuple(one.text for one in sentences(passage)),
        )
        for document in documents
        for passage in split_document(document)
    ]


def _english(corpus: Corpus) -> bool:
    """Say whether rules made for English may be used on the corpus's words."""
    questions = [question.question for question in corpus.of_split("train")]
    return corpus.info.language.lower().startswith("en") and looks_english(questions)


def _answers(corpus: Corpus) -> int:
    return sum(len(chat.turns) for chat in corpus.chats)


def _unmet(rows: Sequence[TrainingRow], recipe: Recipe, questions: int) -> list[str]:
    """Say which shares of the recipe could not be had, by half and more."""
    made: Counter[str] = Counter(row.kind for row in rows)
    opened = sum(made[kind] for kind in _OPEN_BOOK)
    wanted = (
        ("statement", "statement_share", recipe.statement_share * questions),
        ("rewording", "rewording_share", recipe.rewording_share * questions),
        ("multi-turn", "multi_turn_share", recipe.multi_turn_share * questions),
        ("right passage and distractor", "distractor_share", recipe.distractor_share * opened),
        ("substituted", "substituted_share", recipe.substituted_share * opened),
        ("other subject", "other_subject_share", recipe.other_subject_share * opened),
        ("replay", "replay_share", recipe.replay_share * questions),
    )
    return [
        f"{field} asks for {number:.0f} rows and the corpus gives {made[kind]}."
        for kind, field, number in wanted
        if made[kind] < round(number) / 2
    ]


def training_contexts(
    corpus: Corpus, questions: Sequence[Question], library: Library
) -> dict[str, Context]:
    """Read for each question as inference would, and note where its evidence is.

    :returns: contexts by question id.
    """
    shelf = _Shelf(corpus)
    contexts = {}
    for question in questions:
        spans, gold = shelf.evidence(question)
        contexts[question.id] = _context(question, spans, gold, library)
    return contexts


def gold_windows(corpus: Corpus, questions: Sequence[Question]) -> dict[str, list[Passage]]:
    """The sentences of the documents that hold each question's evidence, in the evidence's order.

    :returns: windows by question id, of the questions whose evidence stands in the documents.
    """
    shelf = _Shelf(corpus)
    found = {question.id: shelf.evidence(question)[1] for question in questions}
    return {
        name: list({window.id: window for window in windows}.values())
        for name, windows in found.items()
        if windows
    }


class _Shelf:
    """A corpus's documents, each cut into passages when it is first looked into."""

    def __init__(self, corpus: Corpus) -> None:
        self._documents = {document.id: document for document in corpus.documents}
        self._passages: dict[str, list[Passage]] = {}

    def evidence(self, question: Question) -> tuple[list[tuple[str, int, int]], list[Passage]]:
        """Where a question's quotes stand (document, start, end), and windows that hold them."""
        spans, gold = [], []
        for evidence in question.evidence:
            document = self._documents.get(evidence.document)
            start = document.text.find(evidence.quote) if document else -1
            if document is None or start < 0:
                continue
            end = start + len(evidence.quote)
            spans.append((document.id, start, end))
            if document.id not in self._passages:
                self._passages[document.id] = split_document(document)
            window = _gold_window(self._passages[document.id], start, end)
            if window is not None:
                gold.append(window)
        return spans, gold


def _context(
    question: Question,
    spans: list[tuple[str, int, int]],
    gold: list[Passage],
    library: Library,
) -> Context:
    hits = library.retriever.retrieve(question.question, library.k)
    # A few more than are read, so that enough are left when those with the evidence are taken out.
    ranked = library.reader.windows(
        question.question,
        hits[: library.read_from],
        windows=library.windows + len(spans) + 2,
    )
    read = ranked[: library.windows]
    others = [window for window in ranked if not _holds(window, spans)]
    return Context(
        read=tuple(read),
        holds_answer=any(_holds(window, spans) for window in read),
        right=tuple([*gold, *others][: max(library.windows, 1)]),
        distractors=tuple(others[: library.windows]),
        gold=tuple(gold[: max(library.windows, 1)]),
    )


def _gold_window(passages: list[Passage], start: int, end: int) -> Passage | None:
    """The sentences of one passage that hold document[start:end]."""
    for passage in passages:
        inside = [one for one in sentences(passage) if one.start < end and start < one.end]
        if inside:
            return join(passage, inside)
    return None


def _holds(window: Passage, spans: list[tuple[str, int, int]]) -> bool:
    """Say whether the window holds at least half of one of the quotes."""
    return any(
        window.document_id == document_id
        and 2 * (min(window.end, end) - max(window.start, start)) >= end - start
        for document_id, start, end in spans
    )
