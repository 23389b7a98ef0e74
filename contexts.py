"""Training rows with what an open-book arm would read for each question.

Fine-tuning and retrieval never import each other; this hands over plain records between them.
"""

from collections.abc import Sequence

from core.corpus.read import Corpus
from core.records import Passage, Question
from rag.library import Library
from rag.passages import join, sentences, split_document
from sft.recipe import Recipe
from sft.rows import Context, TrainingRow, build_rows


def training_rows(
    corpus: Corpus, replay: Corpus | None, library: Library | None, *, recipe: Recipe
) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """Build the rows to train on and to validate with.

    :param replay: general questions mixed in against forgetting, in their own corpus's words.
    :param library: gives open-book rows their context; None trains closed-book only.
    """
    train, validation = corpus.of_split("train"), corpus.of_split("validation")
    contexts = {}
    if library is not None and recipe.open_book_share:
        contexts = training_contexts(corpus, [*train, *validation], library)
    rows = build_rows(train, corpus.wording, contexts=contexts, recipe=recipe)
    wanted = round(len(train) * recipe.replay_share)
    if replay is not None and wanted:
        general = build_rows(replay.of_split("train"), replay.wording, contexts={}, recipe=recipe)
        rows += general[:wanted]
    return rows, build_rows(validation, corpus.wording, contexts=contexts, recipe=recipe)


def training_contexts(
    corpus: Corpus, questions: Sequence[Question], library: Library
) -> dict[str, Context]:
    """Read for each question as inference would, and note where its evidence is.

    :returns: contexts by question id.
    """
    passages: dict[str, list[Passage]] = {}
    texts = {document.id: document for document in corpus.documents}
    contexts = {}
    for question in questions:
        spans = []
        for evidence in question.evidence:
            document = texts.get(evidence.document)
            start = document.text.find(evidence.quote) if document else -1
            if document is None or start < 0:
                continue
            spans.append((document.id, start, start + len(evidence.quote)))
            if document.id not in passages:
                passages[document.id] = split_document(document)
        gold = [
            window
            for document_id, start, end in spans
            if (window := _gold_window(passages[document_id], start, end)) is not None
        ]
        contexts[question.id] = _context(question, spans, gold, library)
    return contexts


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
