"""What the Documents tab shows, as HTML: list, preview with passages, uploads, sync, hits."""

from collections.abc import Mapping, Sequence
from html import escape

from core.corpus.read import Corpus
from core.records import Document, Hit, Passage
from own_corpora import AddedFile
from rag.floor import Floor, nearness
from rag.passages import split_document
from rag.sync import SyncReport

#: Rows of the list and passages of a preview; a page with more of them is slow to look at.
ROWS, PREVIEWED = 200, 150
_OUTCOMES = {
    "added": "✓ added", "updated": "✓ replaced", "unchanged": "= as it was", "refused": "✗ refused",
}  # fmt: skip


def summary(corpus: Corpus, *, mine: bool, notice: str = "") -> str:
    """Say which corpus this is, whether it may be changed, and how large it is.

    :param notice: what holds on this page for every corpus.
    """
    title = escape(corpus.info.title or corpus.name)
    splits = ", ".join(
        f"{len(corpus.of_split(split))} {split}" for split in ("train", "validation", "test")
    )
    status = "Yours to change" if mine else "Built in, not changed here"
    hint = notice
    if not mine and not notice:
        hint = "Make a copy to add or remove documents and questions."
    elif mine and not corpus.documents and not corpus.questions:
        hint = f"Empty so far: drop documents below, or import questions. {notice}".strip()
    return (
        f'<div class="docs"><h2>{title}</h2><p class="facts">'
        f'<span class="tag">{status}</span>'
        f"<span><b>{len(corpus.documents)}</b> documents</span>"
        f"<span><b>{len(corpus.questions)}</b> questions ({splits})</span></p>"
        f"{f'<p class=hint>{escape(hint)}</p>' if hint else ''}</div>"
    )


def listing(corpus: Corpus, wanted: str, chosen: str) -> str:
    """List the documents whose title or id holds the wanted words; each opens its preview."""
    words = wanted.casefold().split()
    fitting = [
        one
        for one in corpus.documents
        if all(word in f"{one.title} {one.id}".casefold() for word in words)
    ]
    failed = "".join(
        f"<li>{escape(problem.replace(f'{corpus.folder}/', ''))}</li>"
        for problem in corpus.problems
    )
    failed = (
        f'<div class="failed"><b>Could not be read:</b><ul>{failed}</ul></div>' if failed else ""
    )
    if not fitting:
        why = "No document has these words." if corpus.documents else "There are no documents yet."
        return f'<div class="docs"><p class="nothing">{why}</p>{failed}</div>'
    rows = "".join(_row(corpus, one, chosen == one.id) for one in fitting[:ROWS])
    more = len(fitting) - ROWS
    rest = f'<p class="hint">and {more} more: type a few letters above.</p>' if more > 0 else ""
    return (
        '<div class="docs"><div class="wide" tabindex="0" role="region" aria-label="Documents">'
        '<table><thead><tr><th scope="col">Title</th><th scope="col">Id</th>'
        '<th scope="col" class="n">Size</th><th scope="col" class="n">Passages</th>'
        '<th scope="col" class="n">Pages</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{rest}{failed}</div>"
    )


def _row(corpus: Corpus, document: Document, chosen: bool) -> str:
    path = corpus.folder / "documents" / document.source
    size = path.stat().st_size if path.is_file() else len(document.text.encode())
    name = escape(document.id)
    return (
        f'<tr{" class=chosen" if chosen else ""}><td><button type="button" data-pick="{name}"'
        f' aria-pressed="{"true" if chosen else "false"}">{escape(document.title)}</button></td>'
        f'<td class="id">{name}</td><td class="n">{_size(size)}</td>'
        f'<td class="n">{len(split_document(document))}</td>'
        f'<td class="n">{len(document.pages) or "–"}</td></tr>'
    )


def _size(size: int) -> str:
    return f"{size} B" if size < 1000 else f"{size / 1e3:.1f} kB" if size < 1e6 else (
        f"{size / 1e6:.1f} MB"
    )  # fmt: skip


def preview(document: Document | None) -> str:
    """Draw a document with its passages: where each begins and ends, and the headings above it."""
    if document is None:
        return (
            '<div class="docs preview"><p class="nothing">Choose a document of the list to see '
            "how it is cut into passages.</p></div>"
        )
    passages = split_document(document)
    parts, at = [], 0
    for number, one in enumerate(passages[:PREVIEWED], start=1):
        parts += [_between(document.text[at : max(at, one.start)]), _passage(one, number)]
        at = max(at, one.end)
    more = len(passages) - PREVIEWED
    if more > 0:
        parts.append(f'<p class="hint">and {more} more passages, not drawn here.</p>')
    else:
        parts.append(_between(document.text[at:]))
    pages = f" · {len(document.pages)} pages" if document.pages else ""
    return (
        f'<article class="docs preview"><h3>{escape(document.title)}</h3>'
        f'<p class="hint">{escape(document.source)} · {len(passages)} passages · '
        f"{len(document.text):,} characters{pages}. Retrieval finds and reads passages, "
        f'never across a boundary.</p><div class="text" tabindex="0" role="region" '
        f'aria-label="The document with its passages">{"".join(parts)}</div></article>'
    )


def _between(text: str) -> str:
    """Text that is in no passage: headings, which stand above their passages instead."""
    return f'<p class="between">{escape(text.strip())}</p>' if text.strip() else ""


def _passage(passage: Passage, number: int) -> str:
    page = f" · page {passage.page}" if passage.page else ""
    return (
        f'<section aria-label="Passage {number}"><header><b>{number}</b>'
        f"<span>{escape(passage.heading) or 'no heading'}</span>"
        f'<small class="n">{passage.start}–{passage.end}{page}</small></header>'
        f"<p>{escape(passage.text)}</p></section>"
    )


def added(files: Sequence[AddedFile]) -> str:
    """Say what became of each file that was handed in."""
    if not files:
        return ""
    rows = "".join(
        f'<li class="{one.outcome}"><b>{_OUTCOMES[one.outcome]}</b> {escape(one.name)}'
        f"{f' as <code>{escape(one.document)}</code>' if one.document else ''}"
        f"{f': {escape(one.told)}' if one.told else ''}</li>"
        for one in files
    )
    return f'<div class="docs files" role="status"><ul>{rows}</ul></div>'


def note(text: str) -> str:
    """Say what was done."""
    return f'<div class="docs"><p class="done" role="status">✓ {escape(text)}</p></div>'


def counted(counts: Mapping[str, int], after: str, failed: Sequence[str]) -> str:
    """Show the counts of a sync or an import, and what could not be read with the reasons."""
    tiles = "".join(
        f"<div><b>{number}</b><span>{name}</span></div>" for name, number in counts.items()
    )
    told = "".join(f"<li>{escape(reason)}</li>" for reason in failed)
    told = f'<div class="failed"><b>Could not be read:</b><ul>{told}</ul></div>' if told else ""
    return (
        f'<div class="docs counts" role="status"><div class="tiles">{tiles}</div>'
        f'<p class="hint">{escape(after)}</p>{told}</div>'
    )


def synced(report: SyncReport, folder: str) -> str:
    """Show what a sync did with its four counts."""
    counts = {
        "added": report.added, "updated": report.updated,
        "unchanged": report.unchanged, "removed": report.removed,
    }  # fmt: skip
    damaged = f" The index before was damaged: {report.damaged}" if report.damaged else ""
    return counted(
        counts,
        f"{report.documents} documents, {report.passages} passages indexed; {report.encoded} texts "
        f"encoded in {report.seconds:.1f} s.{damaged}",
        [problem.replace(f"{folder}/", "") for problem in report.failed],
    )


def found(hits: Sequence[Hit], floor: Floor, titles: Mapping[str, str]) -> str:
    """Show hits with the rank that each search gave them, and the floor they are held against."""
    items = "".join(_hit(hit, number, titles) for number, hit in enumerate(hits, start=1))
    listed = f"<ol>{items}</ol>" if items else '<p class="nothing">Nothing was found.</p>'
    return f'<div class="docs hits">{_floor(hits, floor)}{listed}</div>'


def _floor(hits: Sequence[Hit], floor: Floor) -> str:
    near = nearness(hits)
    if floor.value is None:
        return f'<p class="floor" role="status">Score floor: {escape(floor.told())}.</p>'
    above = near >= floor.value
    verdict = (
        "✓ Above the score floor: RAG answers."
        if above
        else "✗ Below the score floor: RAG withholds its answer."
    )
    return (
        f'<div class="floor {"above" if above else "below"}" role="status"><p><b>{verdict}</b> '
        f"The nearest text found is <b>{near:.2f}</b> like the question; "
        f"the floor is <b>{floor.value:.2f}</b>.</p>"
        f'<div class="scale" aria-hidden="true"><i style="width:{_percent(near)}%"></i>'
        f'<u style="left:{_percent(floor.value)}%"></u></div>'
        f'<p class="hint">With this floor {escape(floor.told())}.</p></div>'
    )


def _percent(similarity: float) -> int:
    return round(100 * min(1.0, max(0.0, similarity)))


def _hit(hit: Hit, number: int, titles: Mapping[str, str]) -> str:
    passage = hit.passage
    page = f" · page {passage.page}" if passage.page else ""
    ranks = "".join(
        f"<div><dt>{name}</dt><dd>{f'<b>#{rank}</b>' if rank else '–'}"
        f"{f' <small>{value:.2f}</small>' if value is not None else ''}</dd></div>"
        for name, rank, value in (
            ("fused", number, hit.score),
            ("dense", hit.dense_rank, hit.similarity),
            ("lexical", hit.lexical_rank, None),
            ("best sentence", hit.sentence_rank, hit.sentence_similarity),
        )
    )
    return (
        f"<li><header><b>{escape(titles.get(passage.document_id, passage.document_id))}</b> "
        f"<span>{escape(passage.heading)}{page}</span></header>"
        f'<dl>{ranks}</dl><p class="passage">{escape(passage.text)}</p></li>'
    )
