"""The four steps of looking a question up, drawn with its real numbers."""

from collections.abc import Sequence
from html import escape

import numpy as np

from core.records import Hit
from ui.how_looking import Lookup
from ui.how_step import Step, track
from ui.how_tokens import token_strip

#: Cells in a row of the strip of an embedding, and a cell's side.
_CELLS, _SIDE = 48, 10
#: Hits that the table shows.
_HITS = 5

_STEPS = (
    (
        "The question becomes numbers",
        "An encoder, a small model of its own, turns the question into its embedding: a list of "
        "numbers that stands for its meaning.",
    ),
    (
        "The numbers are compared with the vector store",
        "Every passage of the documents was turned into such numbers once, beforehand. Likeness is "
        "the cosine of the two lists: 1 is the same direction, 0 has nothing in common.",
    ),
    (
        "The best passages are retrieved",
        "Likeness in meaning (dense), shared words (lexical) and the likeness of each passage's "
        "best sentence are fused into one ranking. Is even the nearest sentence below the floor, "
        "no answer is made of it.",
    ),
    (
        "The answer is made from what was found",
        "What was found is put into the prompt before the question, and the model as it came "
        "begins to quote. This is all that it reads, token by token:",
    ),
)


def retrieval_track(shown: Lookup | str | None) -> str:
    """Draw the steps; without a question the words alone, and a sentence where it cannot be."""
    figures: Sequence[str] = ("",) * 4
    if isinstance(shown, Lookup):
        figures = (_strip(shown), _likeness(shown), _hits(shown) + _floor(shown), _prompt(shown))
    steps = [Step(*words, figure) for words, figure in zip(_STEPS, figures, strict=True)]
    why = shown if isinstance(shown, str) else ""
    return track("rag", "Look it up", "RAG: nothing is learnt, everything is read", steps, why=why)


def _strip(shown: Lookup) -> str:
    vector = shown.vector
    strongest = float(np.abs(vector).max()) or 1.0
    cells = "".join(
        f'<rect x="{place % _CELLS * _SIDE}" y="{place // _CELLS * _SIDE}" '
        f'class="{"over" if value >= 0 else "under"}" '
        f'opacity="{0.06 + 0.94 * abs(value) / strongest:.2f}"/>'
        for place, value in enumerate(vector.tolist())
    )
    rows = -(-len(vector) // _CELLS)
    first = ", ".join(f"{value:+.3f}" for value in vector[:4].tolist())
    return (
        f'<svg class="strip" viewBox="0 0 {_CELLS * _SIDE} {rows * _SIDE}" role="img" '
        f'aria-label="The {len(vector)} numbers of the question\'s embedding">{cells}</svg>'
        f'<p class="note"><span class="swatch over"></span>above zero '
        f'<span class="swatch under"></span>below zero, stronger is farther from it. '
        f"{len(vector)} numbers by {escape(shown.encoder)}: "
        f'<span class="number">{first}, …</span></p>'
    )


def _likeness(shown: Lookup) -> str:
    rows, before = [], 0
    for rank, hit in shown.compared:
        gap = '<tr class="gap"><td colspan="4">…</td></tr>' if rank > before + 1 else ""
        before = rank
        value = hit.similarity or 0.0
        rows.append(
            f'{gap}<tr><td class="number">{rank}</td><th scope="row">{_name(hit)}</th>'
            f'<td class="bars"><span class="bar" style="width:{100 * max(value, 0):.0f}%"></span>'
            f'</td><td class="number">{value:.2f}</td></tr>'
        )
    return _table(
        "Passages by likeness in meaning",
        ("#", "passage", "likeness", "cosine"),
        "".join(rows),
    ) + (
        f'<p class="note">The nearest of {shown.passages} passages compared, and a few far ones: '
        "even those have some likeness, so what counts is the distance between them.</p>"
    )


def _hits(shown: Lookup) -> str:
    rows = "".join(
        f'<tr><td class="number">{place}</td><th scope="row">{_name(hit)}</th>'
        + "".join(
            f'<td class="number">{rank or "–"}</td>'
            for rank in (hit.dense_rank, hit.lexical_rank, hit.sentence_rank)
        )
        + f'<td class="number">{hit.score:.2f}</td></tr>'
        for place, hit in enumerate(shown.found.hits[:_HITS], start=1)
    )
    heads = ("#", "passage", "by meaning", "by words", "by sentence", "fused score")
    return _table("The hits and their ranks", heads, rows)


def _floor(shown: Lookup) -> str:
    floor, near = shown.floor.value, shown.near
    if floor is None:
        return f'<p class="note">Floor: {escape(shown.floor.told())}.</p>'
    above = not shown.found.withheld
    verdict = "✓ near enough, an answer is made" if above else "✗ too far, the answer is withheld"
    return (
        f'<div class="gauge" role="img" aria-label="Likeness {near:.2f}, floor {floor:.2f}">'
        f'<span class="bar" style="width:{100 * min(max(near, 0), 1):.0f}%"></span>'
        f'<span class="floor" style="left:{100 * min(max(floor, 0), 1):.0f}%"></span></div>'
        f'<p class="note">The nearest sentence is <b class="number">{near:.2f}</b> like the '
        f'question; the floor (the upright line) is <b class="number">{floor:.2f}</b>: '
        f"<b>{verdict}</b>.</p>"
    )


def _prompt(shown: Lookup) -> str:
    if shown.found.withheld:
        return f'<p class="note">{escape(shown.found.withheld)} No prompt is made.</p>'
    read = " ".join(" ".join(one.text.split()) for one in shown.found.read)
    return (
        f'<blockquote><span class="note">Read, of the best hits:</span> {escape(read)}</blockquote>'
        f"{token_strip(shown.tokens)}"
        f'<p class="note">{len(shown.tokens)} tokens in all.</p>'
    )


def _name(hit: Hit) -> str:
    heading = hit.passage.heading.rpartition(" › ")[2]
    return f"{escape(hit.passage.document_id)} <small>{escape(heading)}</small>"


def _table(label: str, heads: Sequence[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    return (
        f'<div class="scroll" role="region" aria-label="{escape(label)}" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
