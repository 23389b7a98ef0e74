"""The terminal's commands about a corpus's data: check, import, draft, known."""

from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from core.errors import ProjectError
from core.records import Split
from terminal import Corpus, Json, dumped, open_workbench, print_json, say

draft_program = typer.Typer(
    help="List, accept, edit or reject the drafts of a corpus.", no_args_is_help=True
)
Draft = Annotated[str, typer.Argument(help="The draft's id.")]
Form = Literal["squad", "jsonl", "csv", "dataset"]


def add_to(program: typer.Typer) -> None:
    """Make these commands known to the program."""
    program.command("check")(check)
    program.command("import")(import_corpus)
    program.command("draft")(draft)
    program.command("known")(known)
    program.add_typer(draft_program, name="drafts")


def check(
    corpus: Corpus,
    fix: Annotated[bool, typer.Option("--fix", help="Write a cleaned copy as well.")] = False,
    out: Annotated[Path | None, typer.Option(help="The copy's folder; not there yet.")] = None,
    counts_only: Annotated[bool, typer.Option("--counts", help="A README's table.")] = False,
    as_json: Json = False,
) -> None:
    """Look for what makes a corpus's training or scores wrong."""
    from core.corpus.counts import corpus_counts, counts_table  # noqa: PLC0415

    workbench = open_workbench()
    checked = workbench.check(corpus)
    counts = corpus_counts(checked.corpus)
    copy: dict[str, Any] = {}
    if fix:
        folder, mended = workbench.clean(checked, out)
        left = workbench.check(str(folder)).findings
        copy = {
            "folder": str(folder),
            "mended": [{"place": one.place, "what": one.what} for one in mended],
            "findings": dumped(left),
        }
    if as_json:
        findings = dumped(checked.findings)
        printed = {"corpus": checked.corpus.name, "counts": counts, "findings": findings}
        print_json({**printed, "copy": copy} if fix else printed)
    elif counts_only:
        print(counts_table(checked.corpus))
    else:
        _print_check(checked, counts)
        if fix:
            for one in copy["mended"]:
                print(f"mended: {one['place']}: {one['what']}")
            print(f"{len(copy['mended'])} things mended, {len(copy['findings'])} findings left.")
            print(f"The copy is in {copy['folder']}; {checked.corpus.folder} is as it was.")
    errors = [finding for finding in checked.findings if finding.severity == "error"]
    if errors:
        place = checked.corpus.folder / errors[0].place
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        raise ProjectError(f"{place}: {errors[0].message}{more}.")


def _print_check(checked: Any, counts: dict[str, Any]) -> None:
    from core.corpus.findings import SEVERITIES  # noqa: PLC0415

    name = checked.corpus.name
    print(f"{name}: {counts['documents']} documents, {counts['questions']} questions")
    for group in ("by_split", "by_kind", "by_exposure"):
        if counts[group]:
            print("  " + ", ".join(f"{key} {value}" for key, value in counts[group].items()))
    for severity in SEVERITIES:
        found = [finding for finding in checked.findings if finding.severity == severity]
        if found:
            print(f"\n{len(found)} {severity}{'s' if len(found) > 1 else ''}")
        width = min(48, max((len(finding.place) for finding in found), default=0))
        for finding in found:
            print(f"  {finding.place:{width}}  {finding.message}")
            print(f"  {'':{width}}  → {finding.fix}")
    if not checked.findings:
        print("Nothing was found that would make training or scores wrong.")


def import_corpus(
    form: Annotated[Form, typer.Argument(help="What the source is.")],
    source: Annotated[str, typer.Argument(help="A file; for dataset a folder or a hub name.")],
    out: Annotated[Path, typer.Option(help="The corpus folder to make.")],
    columns: Annotated[
        list[str] | None, typer.Option("--column", help="FIELD=COLUMN, e.g. question=Frage.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Put all rows into this split.")] = None,
    separator: Annotated[str | None, typer.Option(help="Between answers in one cell.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Found unless named.")] = None,
    configuration: Annotated[str | None, typer.Option(help="Of a hub dataset.")] = None,
    part: Annotated[str | None, typer.Option(help="Only this split of a dataset.")] = None,
    as_json: Json = False,
) -> None:
    """Turn SQuAD, JSON Lines, CSV or a dataset into a corpus folder."""
    from core.corpus.imports.tables import TableOptions  # noqa: PLC0415

    if split not in (None, "train", "validation", "test"):
        raise ProjectError(f"There is no split {split!r}; use train, validation or test.")
    wanted = dict(_pair(one) for one in columns or [])
    options = TableOptions(wanted, cast(Split | None, split), separator, encoding)
    workbench = open_workbench()
    if form == "squad":
        report = workbench.import_squad(Path(source), out, options)
    elif form == "jsonl":
        report = workbench.import_jsonl(Path(source), out, options)
    elif form == "csv":
        report = workbench.import_csv(Path(source), out, options)
    else:
        report = workbench.import_dataset(
            source, out, options, configuration=configuration, part=part
        )
    for reason in report.reasons:
        say(f"left out: {reason}")
    if report.skipped > len(report.reasons):
        say(f"left out: {report.skipped - len(report.reasons)} more")
    if as_json:
        print_json(report.model_dump(mode="json"))
        return
    print(f"{out}: {report.documents} documents, {report.questions} questions")
    for counts in (report.by_split, report.by_kind, report.columns):
        if counts:
            print("  " + ", ".join(f"{key} {value}" for key, value in counts.items()))
    print(f"Next: sft-vs-rag check {out}")


def _pair(text: str) -> tuple[str, str]:
    field, equals, column = text.partition("=")
    if not equals or not column:
        raise ProjectError(f"--column {text}: write FIELD=COLUMN, for example question=Frage.")
    return field.strip(), column


def draft(
    corpus: Corpus,
    document: Annotated[str, typer.Option(help="The document's id.")],
    count: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 10,
    as_json: Json = False,
) -> None:
    """Propose questions on a document with the local model, for a person to review."""
    drafts = open_workbench().draft(corpus, document, count=count)
    if as_json:
        print_json({"corpus": corpus, "drafts": dumped(drafts)})
        return
    _print_drafts(drafts)
    print(f"{len(drafts)} drafts wait: accept, edit or reject them with `sft-vs-rag drafts`.")


@draft_program.command("list")
def list_drafts(corpus: Corpus, as_json: Json = False) -> None:
    """List the drafts that wait."""
    drafts = open_workbench().drafts(corpus)
    if as_json:
        print_json({"corpus": corpus, "drafts": dumped(drafts)})
    else:
        _print_drafts(drafts)


@draft_program.command("accept")
def accept_draft(corpus: Corpus, name: Draft, as_json: Json = False) -> None:
    """Put a draft into the corpus's qa.jsonl."""
    _print_decided(open_workbench().accept_draft(corpus, name), "accepted", as_json)


@draft_program.command("edit")
def edit_draft(
    corpus: Corpus,
    name: Draft,
    question: Annotated[str | None, typer.Option(help="The question's new words.")] = None,
    answers: Annotated[
        list[str] | None, typer.Option("--answer", help="All answers anew, the sentence first.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change a draft's question or answers."""
    changed = open_workbench().edit_draft(corpus, name, question=question, answers=answers or ())
    _print_decided(changed, "edited", as_json)


@draft_program.command("reject")
def reject_draft(corpus: Corpus, name: Draft, as_json: Json = False) -> None:
    """Take a draft out."""
    _print_decided(open_workbench().reject_draft(corpus, name), "rejected", as_json)


def _print_drafts(drafts: list[Any]) -> None:
    for one in drafts:
        print(f"{one.id}\n  {one.question}\n  {' | '.join(one.answers)}")


def _print_decided(question: Any, word: str, as_json: bool) -> None:
    if as_json:
        print_json({"decided": word, "question": question.model_dump(mode="json")})
    else:
        print(f"{question.id}: {word}: {question.question}")


def known(
    corpus: Corpus,
    out: Annotated[Path | None, typer.Option(help="File for the labels.")] = None,
    as_json: Json = False,
) -> None:
    """Ask the base model for each tested fact in several wordings, and label what it knows."""
    from core.corpus.known import counted  # noqa: PLC0415

    labels, path = open_workbench().label_known(
        corpus, out=out, report=lambda done, of: say(f"{done}/{of} wordings")
    )
    say(f"written to {path}")
    counts = counted(labels.facts.values())
    if as_json:
        print_json({**labels.model_dump(mode="json"), "counts": counts})
    else:
        print(f"{labels.base_model} knows {counts['known']} of {len(labels.facts)} tested facts")
