"""Why answers failed: causes counted for each arm, and examples with all answers side by side."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.records import DECLINED_KINDS
from eval.report_data import Run
from eval.report_html import (
    NOTHING,
    Html,
    Level,
    arm,
    arm_class,
    join,
    paragraph,
    quoted,
    table,
    text,
    words,
)
from eval.report_tables import arm_columns
from eval.results import ResultRow, evidence_rank

#: Causes in words, and what each points to. Others are shown by their own name.
CAUSES = {
    "retrieval_missed": (
        "evidence not in what it was given to read",
        "search, or what is read of it",
    ),
    "passage_not_used": ("right passage there, not used", "work on reading: train with passages"),
    "should_have_abstained": (
        "answered where it should have declined",
        "invention: train declining",
    ),
    "abstained_wrongly": ("declined though there was an answer", "too careful"),
    "memorised_other_fact": (
        "gave another fact's answer",
        "confused memory: train longer, or on more wordings",
    ),
    "worded_otherwise": ("right, but worded otherwise", "not an error: widen the references"),
    "format_or_length": ("empty, cut off or far too long", "settings of the decoding"),
    "other": ("none of these", "read the examples"),
}
#: What became of the evidence that was not read, by whether a passage with it was found.
MISSED = {
    True: ("passage found, another part of it read", "choice of what is read: read_windows"),
    False: ("passage not found", "search: k, fusion, reranker"),
}
_FOR_A_CAUSE = 2
_MOST = 16
_LONG = 600


def failures(run: Run, level: Level) -> Html:
    """Causes by arm; nothing where no answer is wrong or nobody diagnosed."""
    counts = {
        name: one.get("diagnosis") or _counted(row for row in run.rows if row.arm == name)
        for name, one in run.arms.items()
    }
    causes = [name for name in CAUSES if any(count.get(name) for count in counts.values())]
    causes += sorted({name for count in counts.values() for name in count} - set(CAUSES))
    shown = _examples(run, causes, level)
    if not causes and not shown:
        return NOTHING
    tables = NOTHING
    if causes:
        rows = []
        for name in causes:
            told, points = cause(name)
            cells = (text(count.get(name, 0)) for count in counts.values())
            rows.append([text(told), *cells, text(points)])
            if name == "retrieval_missed":
                rows += _missed(run)
        totals = [
            Html("<b>wrong answers in all</b>"),
            *(Html(f"<b>{sum(count.values())}</b>") for count in counts.values()),
            NOTHING,
        ]
        tables = table(
            "Wrong answers by cause",
            [*words("cause"), *arm_columns(counts), *words("points to")],
            [*rows, totals],
        )
    told = "Each wrong answer has one cause, found by rule, the first that fits."
    head = paragraph(told, css="lead") if causes else NOTHING
    return Html(
        f'<section id="{level.name("failures")}">{level.heading("Why answers failed")}'
        f"{head}{tables}{_oracle(run)}{shown}</section>"
    )


def _missed(run: Run) -> list[list[Html]]:
    """Of the evidence that was not read, how much was found; nothing where nobody counted."""
    split = [one.get("retrieval_missed") for one in run.arms.values()]
    if not any(split):
        return []
    return [
        [
            text(f"– {MISSED[found][0]}"),
            *(text(one[key] if one else 0) for one in split),
            text(MISSED[found][1]),
        ]
        for found, key in ((False, "not_found"), (True, "found"))
    ]


def why(row: ResultRow) -> tuple[str, str]:
    """The cause of a wrong answer in words, and what it points to; empty where none was found."""
    if row.diagnosis == "retrieval_missed":
        return MISSED[evidence_rank(row) is not None]
    return cause(row.diagnosis)


def _counted(rows: Iterable[ResultRow]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        if row.diagnosis:
            found[row.diagnosis] = found.get(row.diagnosis, 0) + 1
    return found


def cause(name: str) -> tuple[str, str]:
    """A cause of failure in words, and what it points to."""
    return CAUSES.get(name, (name.replace("_", " "), ""))


def _oracle(run: Run) -> Html:
    """What the same weights say when they are handed the right passage: the ceiling of reading."""
    found = run.summary.get("oracle")
    if not isinstance(found, dict):
        return NOTHING
    told = []
    for name, weights in (("oracle", "the base model"), ("sft+oracle", "the fine-tuned model")):
        share = found.get(name, {}).get("metrics", {}).get("accuracy")
        if share:
            told.append(
                f"{weights} {share['value']:.2f} ({share['low']:.2f}–{share['high']:.2f}, "
                f"{found[name].get('n', '?')} questions)"
            )
    if not told:
        return NOTHING
    return paragraph(
        "Handed the right passage, with nothing to find, the same weights reach an accuracy of: "
        + "; ".join(told)
        + ". Better retrieval can lift an open-book arm to there, not beyond.",
        css="note",
    )


def _examples(run: Run, causes: Sequence[str], level: Level) -> Html:
    by_question: dict[str, dict[str, ResultRow]] = {}
    for row in run.rows:
        by_question.setdefault(row.question_id, {})[row.arm] = row
    chosen = _chosen(by_question, causes)
    if not chosen:
        return NOTHING
    cards = join(_card(run, by_question[name], level) for name in chosen)
    rule = "for each cause the first" if causes else "the first"
    told = (
        f"{len(chosen)} of {len(by_question)} questions, taken by rule: {rule} ones on which the "
        "arms disagree. Every answer of the run is in results.csv."
    )
    return Html(
        f"{level.heading('Examples, side by side', below=1)}{paragraph(told, css='lead')}{cards}"
    )


def _chosen(by_question: Mapping[str, Mapping[str, ResultRow]], causes: Sequence[str]) -> list[str]:
    """Questions to show: some for each cause, those first where some arm was right."""
    wrong = {
        name: rows
        for name, rows in by_question.items()
        if any(not _right(row) for row in rows.values())
    }
    # sorted() keeps the file's order among equals: the same examples on every rebuild.
    ordered = sorted(wrong, key=lambda name: not any(map(_right, wrong[name].values())))
    chosen: list[str] = []
    for cause in causes:
        having = [
            name
            for name in ordered
            if name not in chosen and any(row.diagnosis == cause for row in wrong[name].values())
        ]
        chosen += having[:_FOR_A_CAUSE]
    return (chosen or ordered[: _FOR_A_CAUSE * 3])[:_MOST]


def _right(row: ResultRow) -> bool:
    return row.metrics.get("accuracy", 0.0) >= 1


def _card(run: Run, rows: Mapping[str, ResultRow], level: Level) -> Html:
    first = next(iter(rows.values()))
    asked = run.questions.get(first.question_id, {})
    about = [
        first.kind.replace("_", " "),
        first.exposure or "",
        first.known or "",
        first.question_id,
    ]
    title = str(asked.get("question") or first.question_id)
    rank = min(6, level.rank + 2)
    answers = join(_answer(run, name, rows[name]) for name in run.arms if name in rows)
    return Html(
        f'<article class="example"><h{rank} dir="auto">{text(title)}</h{rank}>'
        f"{paragraph(' · '.join(part for part in about if part), css='about')}"
        f"<dl>{_references(first)}{_evidence(asked)}</dl>"
        f'<ul class="answers">{answers}</ul></article>'
    )


def _references(row: ResultRow) -> Html:
    head = "should decline" if row.kind in ("unanswerable", "refusal") else "accepted"
    return Html(f"<dt>{head}</dt><dd>{quoted(' / '.join(row.references), css='references')}</dd>")


def _evidence(asked: Mapping[str, Any]) -> Html:
    found = asked.get("evidence") or ()
    quotes = [one for one in found if isinstance(one, dict) and one.get("quote")]
    if not quotes:
        return NOTHING
    told = join(
        Html(
            f"{quoted('“' + _shortened(str(one['quote'])) + '”', css='quote')}"
            f'<p class="range">{text(one.get("document", ""))}</p>'
        )
        for one in quotes
    )
    return Html(f"<dt>evidence</dt><dd>{told}</dd>")


def _answer(run: Run, name: str, row: ResultRow) -> Html:
    right = _right(row)
    mark, css = ("✓ right", "right") if right else ("✗ wrong", "wrong")
    told = [] if right or not row.diagnosis else [why(row)[0]]
    told += _found(run, row)
    return Html(
        f'<li class="{arm_class(name)}"><div class="head">{arm(name)}'
        f'<span class="mark {css}">{mark}</span></div>'
        f"{quoted(_shortened(row.prediction), css='said')}"
        f"{paragraph('; '.join(told), css='why') if told else ''}</li>"
    )


def _found(run: Run, row: ResultRow) -> list[str]:
    """Where the evidence stood among what an arm was given."""
    asked = run.questions.get(row.question_id, {})
    if (
        not row.hits
        or row.kind in DECLINED_KINDS
        or ("evidence" in asked and not asked["evidence"])
    ):
        return []
    rank = evidence_rank(row)
    return [f"evidence found at rank {rank}" if rank else "evidence not among what was found"]


def _shortened(words: str) -> str:
    return words if len(words) <= _LONG else f"{words[:_LONG].rstrip()} … (cut here)"
