"""The report's tables of figures: metrics, comparisons, abstention, retrieval."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval.report_data import Run
from eval.report_html import (
    NOTHING,
    Column,
    Html,
    Level,
    arm,
    join,
    measured,
    numbers,
    paragraph,
    table,
    text,
    took,
    words,
)
from eval.scores import METRICS
from eval.tables import shown_p

_NAMES = {
    "exact_match": "exact match",
    "f1": "F1",
    "bleu": "BLEU",
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "chrf": "chrF",
}
#: Measures beside the metrics that an arm may carry, and what they are.
_BESIDE = {
    "similarity": "cosine of answer and nearest reference",
    "support": "share of an answer's sentences that the documents support",
    "length_ratio": "words of the answer for one of the nearest reference",
}
_WORDS = {"better": ("▲ better", "better"), "worse": ("▼ worse", "worse")}


def metric_name(name: str) -> str:
    """A metric as people write it."""
    return _NAMES.get(name, name.replace("_", " "))


def arm_columns(names: Iterable[str]) -> list[Column]:
    """A column of numbers for each arm, under its sign."""
    return [Column(arm(name)) for name in names]


def metrics(run: Run, level: Level) -> Html:
    """Every metric of every arm, with times and tokens."""
    arms = run.arms
    first = next(iter(arms.values()))["metrics"]
    ordered = ("accuracy", *METRICS, *first)
    names = [name for name in dict.fromkeys(ordered) if name in first]
    rows = [
        [
            text(metric_name(name)),
            *(
                measured(one["metrics"].get(name), track=name == "accuracy")
                for one in arms.values()
            ),
        ]
        for name in names
    ]
    rows += [
        [
            text(f"{name.replace('_', ' ')} ({told})"),
            *(measured(one.get(name)) for one in arms.values()),
        ]
        for name, told in _BESIDE.items()
        if any(one.get(name) for one in arms.values())
    ]
    rows += [
        [text("seconds an answer, median"), *(_time(one, "p50") for one in arms.values())],
        [text("seconds, 95 % stay below"), *(_time(one, "p95") for one in arms.values())],
        [text("tokens read"), *(_tokens(one, "prompt") for one in arms.values())],
        [text("tokens written"), *(_tokens(one, "completion") for one in arms.values())],
    ]
    told = (
        "Accuracy is the share of questions answered right: the answer equals or contains an "
        "accepted answer, or declines where there is nothing to answer. It leads here. BLEU, ROUGE "
        "and chrF compare wording and favour an arm that was trained on the references' style."
    )
    shown = table(
        f"Metrics on {run.summary['n']} questions, each from 0 to 1, with 95 % intervals",
        [*words("metric"), *arm_columns(arms)],
        rows,
    )
    return section("metrics", "Scores", level, [paragraph(told, css="lead"), shown])


def _time(one: Mapping[str, Any], which: str) -> Html:
    found = one.get("seconds", {}).get(which)
    return text(took(found)) if found is not None else text("–")


def _tokens(one: Mapping[str, Any], which: str) -> Html:
    found = one.get("tokens", {}).get(which)
    return text(f"{found:.0f}") if found is not None else text("–")


def comparisons(run: Run, level: Level) -> Html:
    """Every pair of arms, metric by metric: difference, interval, p, verdict."""
    pairs = list(run.summary.get("comparisons") or ())
    if not pairs:
        return NOTHING
    detectable = any(one.get("detectable") is not None for one in pairs)
    heads = numbers("difference (95 %)", "wins – ties – losses", "p, adjusted")
    columns = [*words("pair"), *heads, *words("verdict")]
    if detectable:
        columns += numbers("could have detected")
    tables = []
    for metric in dict.fromkeys(one["metric"] for one in pairs):
        rows = [
            [
                Html(f'{arm(one["a"])} <span class="range">less</span> {arm(one["b"])}'),
                measured({**one, "value": one["difference"]}, track=True, signed=True),
                text(f"{one['wins']} – {one['ties']} – {one['losses']}"),
                text(shown_p(one["p_adjusted"])),
                verdict_word(one["verdict"]),
                *([text(_detectable(one))] if detectable else []),
            ]
            for one in pairs
            if one["metric"] == metric
        ]
        tests = dict.fromkeys(str(one["test"]) for one in pairs if one["metric"] == metric)
        note = f"Test: {'; '.join(tests)}."
        tables.append(table(f"Differences in {metric_name(metric)}", columns, rows, note=note))
    told = (
        "A difference is the first arm less the second on the same questions. Its verdict is a "
        "word only when the p, adjusted for the number of pairs, is below 0.05. “No clear "
        "difference” is not “the same”: a difference smaller than the set could have detected "
        "may be there unseen."
    )
    return section(
        "comparisons", "Who is better than whom", level, [paragraph(told, css="lead"), *tables]
    )


def _detectable(one: Mapping[str, Any]) -> str:
    found = one.get("detectable")
    return f"{found:.2f}" if isinstance(found, int | float) else "–"


def verdict_word(verdict: str) -> Html:
    """The verdict of a comparison, with a sign besides its colour."""
    told, css = _WORDS.get(verdict, (f"≈ {verdict}", "level"))
    return Html(f'<span class="word {css}">{text(told)}</span>')


def abstention(run: Run, level: Level) -> Html:
    """Declining as a classification: whether an arm declines where it should, and only there."""
    found = {name: one["abstention"] for name, one in run.arms.items() if one.get("abstention")}
    if not found:
        return NOTHING
    rows = [
        [text(told), *(measured(one.get(key)) for one in found.values())]
        for key, told in (
            ("accuracy", "decided rightly whether to answer"),
            ("precision", "of the times it declined, rightly so"),
            ("recall", "of the times it should have declined, it did"),
            ("f1", "F1 of the two"),
        )
    ]
    rows += [
        [text(told), *(text(one.get("counts", {}).get(key, "–")) for one in found.values())]
        for key, told in (
            ("tp", "declined, rightly"),
            ("fp", "declined, though there was an answer"),
            ("fn", "answered, though there was none to give"),
            ("tn", "answered, rightly or not, where there was an answer"),
        )
    ]
    shown = table("Declining to answer", [*words("measure"), *arm_columns(found)], rows)
    told = (
        "A desk that invents answers costs more than one that says it does not know. Here an arm "
        "is judged only on whether it declined, over questions with and without an answer."
    )
    return section(
        "abstention", "Knowing when not to answer", level, [paragraph(told, css="lead"), shown]
    )


def retrieval(run: Run, level: Level) -> Html:
    """How well the right passage was found, before any model read it."""
    found = run.summary.get("retrieval") or {}
    if not found:
        return NOTHING
    shown = table(
        "Ranking of the passages with the evidence",
        [*words("measure"), *numbers("value")],
        [[text(_ranking(name)), text(f"{value:.3f}")] for name, value in found.items()],
        css="narrow",
    )
    told = "An arm with open documents can be no better than what is laid before it."
    return section(
        "retrieval", "Finding the right passage", level, [paragraph(told, css="lead"), shown]
    )


def _ranking(name: str) -> str:
    known = {
        "mrr@10": "mean of 1 / rank of the first right passage (MRR@10)",
        "ndcg@10": "gain of the ranking, discounted (nDCG@10)",
    }
    if name.startswith("hit@"):
        return f"right passage among the first {name.removeprefix('hit@')} ({name})"
    return known.get(name, name)


def section(name: str, title: str, level: Level, parts: Sequence[Html]) -> Html:
    """A section under its heading."""
    return Html(f'<section id="{level.name(name)}">{level.heading(title)}{join(parts)}</section>')
