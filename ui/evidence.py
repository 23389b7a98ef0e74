"""The evidence: the passages that were found, what was read of them, what the answers took."""

from collections.abc import Mapping, Sequence
from html import escape

from core.records import Answer, ArmName, AskedName, Citation, Hit
from ui.ask_state import Held
from ui.markup import marked

#: Passages shown at once; the model reads from no more.
_SHOWN = 5


def evidence(
    answers: Mapping[ArmName, Answer], arms: Sequence[ArmName], held: Held | None = None
) -> str:
    """Render the hits of the open-book answers among `arms`; nothing when there is none.

    :param held: the answer of SFT held against the same documents.
    """
    open_book = [answers[arm] for arm in arms if arm in answers and answers[arm].hits]
    remembered = held if held is not None and "sft" in arms else None
    if not open_book and remembered is None:
        return ""
    # All open-book arms of one question are given the same passages.
    hits = open_book[0].hits if open_book else remembered.hits if remembered else ()
    cards = [
        _card(rank, hit, _stretches(hit, open_book, remembered))
        for rank, hit in enumerate(hits, start=1)
    ]
    shown, folded = cards[:_SHOWN], cards[_SHOWN:]
    more = ""
    if folded:
        more = (
            f"<details><summary>{len(folded)} more that were found and not read</summary>"
            f'<ol start="{_SHOWN + 1}">{"".join(folded)}</ol></details>'
        )
    return (
        '<section class="evidence" aria-label="Evidence"><header><h3>Evidence</h3>'
        f'<p class="keys">{_keys(open_book, remembered)}</p></header>'
        f"<ol>{''.join(shown)}</ol>{more}</section>"
    )


def _keys(open_book: Sequence[Answer], held: Held | None) -> str:
    keys = {_name(one.arm): f"taken by {_title(one.arm)}" for one in open_book if one.citations}
    if held is not None and held.alignment.citations:
        keys["sft"] = "said by SFT from memory"
    read = '<span class="key read">given to the model to read</span>' if open_book else ""
    return read + "".join(
        f'<span class="key"><mark class="{name}">{words}</mark></span>'
        for name, words in keys.items()
    )


def _stretches(
    hit: Hit, answers: Sequence[Answer], held: Held | None
) -> list[tuple[int, int, str]]:
    """The characters of a passage that were read, taken, or said from memory."""
    passage = hit.passage
    stretches = []
    for answer in answers:
        for read in answer.read:
            if read.document_id == passage.document_id:
                stretches.append((read.start - passage.start, read.end - passage.start, "read"))
        for citation in answer.citations:
            if citation.passage_id == passage.id:
                stretches.append(_cited(citation, passage.start, answer.arm))
    for citation in held.alignment.citations if held is not None else ():
        if citation.passage_id == passage.id:
            stretches.append(_cited(citation, passage.start, "sft"))
    return stretches


def _card(rank: int, hit: Hit, stretches: Sequence[tuple[int, int, str]]) -> str:
    passage = hit.passage
    page = f" · page {passage.page}" if passage.page else ""
    similarity = "–" if hit.similarity is None else f"{hit.similarity:.2f}"
    ranks = (
        f'<span title="the rankings put together, 0 to 1">score {hit.score:.4f}</span>'
        f'<span title="rank by meaning (vectors)">by meaning {_rank(hit.dense_rank)}</span>'
        f'<span title="rank of its best sentence by meaning">by sentence '
        f"{_rank(hit.sentence_rank)}</span>"
        f'<span title="rank by words (BM25)">by words {_rank(hit.lexical_rank)}</span>'
        f'<span title="cosine of question and passage">cosine {similarity}</span>'
    )
    return (
        f'<li><p class="source"><b>{rank}</b> <span class="document">'
        f"{escape(passage.document_id)}</span> "
        f'<span class="heading">{escape(passage.heading)}{page}</span></p>'
        f'<p class="ranks">{ranks}</p>'
        f'<p class="passage">{marked(passage.text, stretches, inside=("read",))}</p></li>'
    )


def _cited(citation: Citation, offset: int, arm: AskedName) -> tuple[int, int, str]:
    return citation.start - offset, citation.end - offset, _name(arm)


def _rank(rank: int | None) -> str:
    return "–" if rank is None else f"#{rank}"


def _name(arm: AskedName) -> str:
    return arm.replace("+", "-")


def _title(arm: AskedName) -> str:
    return arm.upper().replace("+", " + ")
