"""The terminal's commands about retrieval: index, retrieve, support."""

from typing import Annotated

import typer

from terminal import Corpus, Json, dumped, open_workbench, print_json, say


def add_to(program: typer.Typer) -> None:
    """Make these commands known to the program."""
    program.command("index")(index)
    program.command("retrieve")(retrieve)
    program.command("support")(support)


def index(
    corpus: Corpus,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Index everything anew.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the vector store of a corpus up to its documents."""
    workbench = open_workbench()
    report = workbench.index(corpus, rebuild=rebuild)
    if report.damaged:
        say(f"built anew: {report.damaged}")
    for problem in report.failed:
        say(f"left out: {problem}")
    floor = workbench.floor(corpus)
    if as_json:
        print_json({**report.as_json(), "floor": floor.as_json()})
        return
    print(
        f"{report.corpus}: {report.documents} documents, {report.passages} passages, "
        f"{report.seconds:.1f} s with {report.encoder} ({report.generation}, {report.kind})"
    )
    print(
        f"  {report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.removed} removed; {report.encoded} texts encoded"
    )
    print(f"  {floor.told()}")


def retrieve(
    corpus: Corpus,
    question: str,
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="How many passages.")] = 5,
    documents: Annotated[
        list[str] | None, typer.Option("--document", help="Only in this one; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find the passages for a question."""
    hits = open_workbench().retrieve(corpus, question, k, documents=documents)
    if as_json:
        print_json({"question": question, "hits": dumped(hits)})
        return
    for rank, hit in enumerate(hits, start=1):
        words = " ".join(hit.passage.text.split())
        ranks = f"dense {hit.dense_rank or '-'}, lexical {hit.lexical_rank or '-'}"
        page = f", page {hit.passage.page}" if hit.passage.page else ""
        print(f"{rank}. {hit.score:.4f} ({ranks}{page}) {hit.passage.id}\n   {words[:300]}")


def support(corpus: Corpus, question: str, answer: str, as_json: Json = False) -> None:
    """Hold an answer against the documents: where its words stand, what nothing supports."""
    hits, taken = open_workbench().hold(corpus, question, answer)
    unsupported = [answer[one.start : one.end] for one in taken.unsupported]
    if as_json:
        print_json(
            {
                "question": question,
                "answer": answer,
                "citations": dumped(taken.citations),
                "unsupported": dumped(taken.unsupported),
                "hits": dumped(hits),
            }
        )
        return
    documents = {hit.passage.id: hit.passage.document_id for hit in hits}
    for one in taken.citations:
        words = answer[one.answer_start : one.answer_end]
        print(f"{documents[one.passage_id]}[{one.start}:{one.end}] {words}")
    for sentence in unsupported:
        print(f"not supported: {sentence}")
