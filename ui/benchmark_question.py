"""One question of a run, whole: what was accepted, both answers, their causes, what was found."""

from collections.abc import Mapping
from html import escape
from typing import Any

from core.records import DECLINED_KINDS, Document
from eval.report_examples import why
from eval.results import ResultRow
from ui.benchmark_data import Duel
from ui.benchmark_table import about, arm_class, mark, pill, said, title
from ui.benchmark_words import alike, merged

#: Passages shown, and characters of each: enough to see why it was found.
_SHOWN, _BEGINNING = 5, 260


def whole_question(
    duel: Duel, a: str, b: str, *, documents: Mapping[str, Document] | None = None
) -> str:
    """Lay a question out whole.

    :param documents: the corpus's, by id, where they are the ones that the run was made with.
    """
    return (
        '<article class="bench whole" tabindex="-1" aria-label="The question, whole">'
        f"<header>{pill(duel.winner, a, b)}<small>{escape(about(duel))} · {escape(duel.id)}</small>"
        f"</header><h3>{escape(duel.question)}</h3>{_wanted(duel)}"
        f'<div class="both">{_answers(duel, a, b)}</div>{_difference(duel, a, b)}'
        f"{_found(duel, a, b, documents or {})}</article>"
    )


def _wanted(duel: Duel) -> str:
    head = "Should decline, for example" if duel.kind in DECLINED_KINDS else "Accepted"
    accepted = " · ".join(escape(one) for one in duel.references)
    quotes = "".join(
        f"<dd>“{escape(str(one.get('quote', '')))}” "
        f"<small>{escape(str(one.get('document', '')))}</small></dd>"
        for one in duel.evidence
    )
    evidence = f"<dt>Evidence</dt>{quotes}" if quotes else ""
    return f"<dl><dt>{head}</dt><dd>{accepted}</dd>{evidence}</dl>"


def _answers(duel: Duel, a: str, b: str) -> str:
    first, second = said(duel)
    return _answer(duel.a, first, a) + _answer(duel.b, second, b)


def _answer(row: ResultRow | None, words: str, arm: str) -> str:
    head = f"<h4>{escape(title(arm))}</h4>"
    css = f"said {arm_class(arm)}"
    if row is None:
        return f'<section class="{css}">{head}<p>This arm gave no answer.</p></section>'
    return (
        f'<section class="{css}">{head}<p class="words">{mark(row)} '
        f"{words or '<em>(an empty answer)</em>'}</p>{_why(row)}"
        f'<p class="figures">F1 {row.metrics.get("f1", 0):.2f} · '
        f"{row.seconds:.1f} s · {row.prompt_tokens} + {row.completion_tokens} tokens</p></section>"
    )


def _why(row: ResultRow) -> str:
    if not row.diagnosis:
        return ""
    told, points = why(row)
    hint = f" <small>→ {escape(points)}</small>" if points else ""
    return f'<p class="why"><b>Cause:</b> {escape(told)}{hint}</p>'


def _difference(duel: Duel, a: str, b: str) -> str:
    if duel.a is None or duel.b is None:
        return ""
    first, second = duel.a.prediction, duel.b.prediction
    head = f"<h4>From {escape(title(a))} to {escape(title(b))}, word by word</h4>"
    if first.split() == second.split():
        told = "<p>Both answers are the same, word for word.</p>"
    elif not alike(first, second):
        told = "<p>The answers have no word in common.</p>"
    else:
        told = (
            f'<p class="words">{merged(first, second)}</p><p class="note"><del>struck</del>: only '
            f"{escape(title(a))} says it; <ins>underlined</ins>: only {escape(title(b))}.</p>"
        )
    return f'<section class="difference">{head}{told}</section>'


def _found(duel: Duel, a: str, b: str, documents: Mapping[str, Document]) -> str:
    opened = [(arm, row) for arm, row in ((a, duel.a), (b, duel.b)) if row is not None and row.hits]
    if not opened:
        return (
            '<section class="passages"><h4>Passages found</h4>'
            "<p>Neither of these arms looks anything up.</p></section>"
        )
    # All open-book arms of one question are given the same passages.
    hits = opened[0][1].hits
    rows = "".join(
        _passage(rank, hit, opened, documents) for rank, hit in enumerate(hits[:_SHOWN], start=1)
    )
    more = f" <small>the first {_SHOWN} of {len(hits)}</small>" if len(hits) > _SHOWN else ""
    return f'<section class="passages"><h4>Passages found{more}</h4><ol>{rows}</ol></section>'


def _passage(
    rank: int,
    hit: Mapping[str, Any],
    opened: list[tuple[str, ResultRow]],
    documents: Mapping[str, Document],
) -> str:
    name, document = str(hit.get("passage", "")), documents.get(str(hit.get("document", "")))
    holds = '<span class="holds">holds the evidence</span>' if hit.get("relevant") else ""
    taken = "".join(_taken(arm, row, name, document) for arm, row in opened)
    text = _beginning(name, document)
    return (
        f"<li><b>{rank}</b> {escape(str(hit.get('document', '')))} "
        f"<small>score {float(hit.get('score', 0)):.2f}</small> {holds}"
        f"{f'<p>{escape(text)}</p>' if text else ''}{taken}</li>"
    )


def _taken(arm: str, row: ResultRow, passage: str, document: Document | None) -> str:
    """The words that an answer took from a passage; that it took some, where they are not here."""
    mine = [one for one in row.citations if one.get("passage_id") == passage]
    if not mine:
        return ""
    said = f"{escape(title(arm))} took words from it"
    if document is not None:
        quotes = dict.fromkeys(document.text[one["start"] : one["end"]] for one in mine)
        said = f"{escape(title(arm))} took {' · '.join(f'“{escape(one)}”' for one in quotes)}"
    return f'<small class="taken">{said}</small>'


def _beginning(passage: str, document: Document | None) -> str:
    """The first words of a passage: its id ends with where it starts in its document."""
    start = passage.rpartition("#")[2]
    if document is None or not start.isdecimal():
        return ""
    text = document.text[int(start) : int(start) + _BEGINNING]
    return " ".join(text.split()) + (" …" if len(text) == _BEGINNING else "")
