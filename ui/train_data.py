"""What there is to learn from: a corpus in numbers, and what its check found."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import get_args

from core.corpus.check_balance import SPLITS
from core.corpus.findings import SEVERITIES, Finding
from core.corpus.read import Corpus
from core.records import Kind

_KIND_WORDS = {
    "fact": "facts",
    "procedure": "procedures",
    "multi_hop": "several documents",
    "unanswerable": "unanswerable",
    "refusal": "to be refused",
}
#: Signs besides the colours: severity is not told by colour alone.
_SIGNS = {"error": "✗", "warning": "!", "note": "i"}
#: Findings shown at once; the terminal's `check` lists all.
_SHOWN = 40


def data_summary(corpus: Corpus) -> str:
    """Make a table of the questions by kind and split, and a line on the documents."""
    cells = Counter((one.kind, str(one.split)) for one in corpus.questions)
    rows = []
    for kind in get_args(Kind):
        counts = [cells[kind, split] for split in SPLITS]
        if any(counts):
            rows.append(_row(_KIND_WORDS.get(kind, kind), counts))
    sums = [sum(cells[kind, split] for kind in get_args(Kind)) for split in SPLITS]
    rows.append(_row("all", sums, name_class="sum"))
    heads = "".join(f'<th scope="col">{split}</th>' for split in (*SPLITS, "all"))
    facts = len({one.fact for one in corpus.questions})
    words = sum(len(one.text.split()) for one in corpus.documents)
    parts = [
        f"<b>{len(corpus.questions)}</b> questions on <b>{facts}</b> facts",
        f"<b>{len(corpus.documents)}</b> documents of <b>{words:,}</b> words in all",
    ]
    if corpus.chats:
        parts.append(f"<b>{len(corpus.chats)}</b> chats")
    return (
        f'<section class="train data"><h3>What there is to learn from</h3><p>{", ".join(parts)}.'
        " Training reads the train split; validation chooses the best weights; test is never "
        'trained on.</p><div class="scroll"><table class="figures-table"><caption>Questions by '
        'kind and split</caption><thead><tr><th scope="col">Questions</th>'
        f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def findings_list(findings: Sequence[Finding]) -> str:
    """Make the list of what the check found, worst first, each with its fix."""
    if not findings:
        return _findings(
            '<p class="good">✓ Nothing was found that would make training or scores wrong.</p>'
        )
    counts = Counter(one.severity for one in findings)
    pills = " ".join(
        f'<span class="pill {severity}">{_SIGNS[severity]} {counts[severity]} {severity}'
        f"{'s' if counts[severity] > 1 else ''}</span>"
        for severity in SEVERITIES
        if counts[severity]
    )
    items = "".join(
        f'<li><span class="pill {one.severity}">{_SIGNS[one.severity]} {one.severity}</span> '
        f'<span class="place">{escape(one.place)}</span> {escape(one.message)}. '
        f'<span class="fix">→ {escape(one.fix)}.</span></li>'
        for one in findings[:_SHOWN]
    )
    more = len(findings) - _SHOWN
    rest = f"<p>{more} more are listed by <code>sft-vs-rag check</code>.</p>" if more > 0 else ""
    return _findings(f'<p class="pills">{pills}</p><ul tabindex="0">{items}</ul>{rest}')


def _findings(body: str) -> str:
    return f'<section class="train findings"><h3>What the check found</h3>{body}</section>'


def _row(name: str, counts: Sequence[int], *, name_class: str = "") -> str:
    cells = "".join(f"<td>{number}</td>" for number in (*counts, sum(counts)))
    return f'<tr class="{name_class}"><th scope="row">{name}</th>{cells}</tr>'
