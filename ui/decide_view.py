"""What the Decide tab says of a run: the verdict and its doubt, the figures, and the rest.

The sections are those of the report, which escape what they show; here they are chosen, put in the
order of a decision, and what was not measured is told with the command that measures it.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from eval.report_about import limits, provenance
from eval.report_data import Run
from eval.report_examples import failures
from eval.report_extras import change, forgetting
from eval.report_html import (
    LINES,
    NOTHING,
    Html,
    Level,
    arm,
    arm_class,
    join,
    listed,
    paragraph,
    text,
    took,
)
from eval.report_slices import slices
from eval.report_tables import abstention, comparisons, metrics, retrieval
from eval.report_verdict import (
    against_best,
    clauses,
    coverage,
    picture,
    plain_verdict,
    problems,
)

LEVEL = Level(rank=2, prefix="decide-")
#: A bracket of a sentence, which is read after it.
_ASIDE = re.compile(r"( \([^()]*\))")


def verdict_part(run: Run) -> Html:
    """The answer in one sentence, how sure it is, and each arm's share of right answers."""
    found = run.summary.get("verdict")
    if not isinstance(found, dict) or not found.get("sentence"):
        found = plain_verdict(run)
    lead, *further = clauses(str(found["sentence"]))
    reasons = [str(one) for one in found.get("reasons") or ()]
    return _wrapped(
        [
            problems(run, LEVEL),
            Html(
                '<section class="verdict"><h2>The verdict'
                f" <small>{text(_rests_on(run))}</small></h2>"
                f'<p class="answer">{_with_aside(lead)}</p>{_doubt(found)}'
                f"{_further(further)}</section>"
            ),
            _cards(run),
            _folded("The evidence behind this sentence", listed(map(text, reasons)))
            if reasons
            else NOTHING,
        ]
    )


def _rests_on(run: Run) -> str:
    started = str(run.info.get("started") or "")[:10]
    parts = [run.title, f"{run.summary['n']:,} test questions", started]
    return " · ".join(part for part in parts if part)


def _with_aside(sentence: str) -> Html:
    """A sentence with its brackets in smaller letters."""
    parts = _ASIDE.split(sentence)  # every other one is a bracket
    return join(
        Html(f'<span class="aside">{text(part)}</span>') if number % 2 else text(part)
        for number, part in enumerate(parts)
    )


def _doubt(found: Mapping[str, Any]) -> Html:
    if found.get("sure"):
        return Html(
            '<p class="doubt sure"><b>Settled by this evidence.</b> The differences are larger '
            "than chance explains, and no group of questions says otherwise.</p>"
        )
    return Html(
        '<p class="doubt open"><b>Not settled for every question.</b> Another arm may be as good, '
        "or better for a part of the questions: what follows says where.</p>"
    )


def _further(sentences: list[str]) -> Html:
    return listed((_with_aside(one) for one in sentences), css="further")


def _cards(run: Run) -> Html:
    """A card an arm: how often it is right, how sure that is, how long an answer takes."""
    best, clear, level = against_best(run)
    words = {
        best: "right most often",
        **dict.fromkeys(clear, "clearly less often"),
        **dict.fromkeys(level, "no clear difference from the best"),
    }
    cards = []
    for name, one in run.arms.items():
        share = one["metrics"].get("accuracy")
        if not share:
            continue
        low, value, high = (100 * float(share[key]) for key in ("low", "value", "high"))
        seconds = (one.get("seconds") or {}).get("p50")
        time = f"{took(seconds)} an answer, median" if seconds is not None else "not timed"
        cards.append(
            f'<li class="{arm_class(name)}"><p class="who">{arm(name)}</p>'
            f'<p class="line">{text(LINES.get(name, ""))}</p>'
            f'<p class="share"><b>{value:.0f} %</b> right '
            f'<span class="range">95 %: {low:.0f} to {high:.0f} %</span></p>'
            f'<span class="bar" aria-hidden="true"><i class="spread" style="left:{low:.1f}%;'
            f'width:{high - low:.1f}%"></i><i class="at" style="left:{value:.1f}%"></i></span>'
            f'<p class="line">{text(words.get(name, ""))}<br>{text(time)}</p></li>'
        )
    return Html(f'<ul class="cards" aria-label="Right answers of each arm">{"".join(cards)}</ul>')


def figures_part(run: Run, *, change_from: str, revisions: list[str]) -> Html:
    """Quality against time, results by kind and exposure, and what happens on a change.

    :param change_from: the folder that the change test is from, if not the run's own.
    :param revisions: the corpus's, which a change test can be made with.
    """
    groups = ("by_kind", "by_exposure")
    narrowed = {
        name: {key: one[key] for key in ("metrics", *groups) if key in one}
        for name, one in run.arms.items()
    }
    by_group = slices(replace(run, summary={**run.summary, "arms": narrowed}), LEVEL)
    parts = [picture(run, LEVEL), by_group, change(run, LEVEL) or _no_change(run, revisions)]
    if change_from:
        parts.append(paragraph(f"This change test is from the run {change_from}.", css="note"))
    return _wrapped(parts)


def _no_change(run: Run, revisions: list[str]) -> Html:
    told = "No change test lies beside this run, so nothing is said of how each arm follows one."
    if not revisions:
        return _missing("When the world changes", f"{told} The corpus has no revision to test it.")
    command = shlex.join(
        ["sft-vs-rag", "change", str(run.summary["corpus"]), revisions[0], "--retrain"]
    )
    return _missing("When the world changes", f"{told} To make one:", command)


def rest_part(run: Run) -> Html:
    """Why answers failed, what was forgotten, and all other figures, folded."""
    # The causes are counted in the summary; without rows no examples are shown.
    counted = any(one.get("diagnosis") for one in run.arms.values())
    causes = failures(replace(run, rows=()) if counted else run, LEVEL)
    if causes and counted:
        causes = Html(causes + paragraph("The report shows examples of each cause.", css="note"))
    return _wrapped(
        [
            causes or _missing("Why answers failed", "No answer of this run is known to be wrong."),
            forgetting(run, LEVEL) or _no_forgetting(run),
            _all_of(run, "All scores and comparisons", _SCORES),
            _all_of(run, "Limits, and where the figures come from", _ABOUT),
        ]
    )


_SCORES = (metrics, comparisons, abstention, retrieval, coverage)
_ABOUT = (limits, provenance)


def _all_of(run: Run, title: str, sections: tuple[Callable[[Run, Level], Html], ...]) -> Html:
    return _folded(title, join(section(run, LEVEL) for section in sections))


def _no_forgetting(run: Run) -> Html:
    if not any("sft" in name for name in run.arms):
        return NOTHING
    return _missing(
        "What fine-tuning forgot",
        "It was not measured what the adapter lost of what the base model knew. To measure it:",
        shlex.join(["sft-vs-rag", "forgetting", str(run.summary["corpus"])]),
    )


def nothing_yet(title: str, corpus: str | None) -> Html:
    """What is shown of a corpus that no run was made of.

    :param corpus: as a command names it; None for who cannot make a run.
    """
    told = '<p class="doubt open">Its four ways to answer can be tried under Ask.</p>'
    if corpus is not None:
        command = shlex.join(["sft-vs-rag", "evaluate", corpus])
        told = (
            '<p class="doubt open">Every arm answers the test questions once, and the verdict '
            "stands here. Start a run under Benchmark, or with the command:</p>"
            f"<pre><code>{text(command)}</code></pre>"
        )
    return _wrapped(
        [
            Html(
                '<section class="verdict"><h2>The verdict</h2><p class="answer">Nothing was '
                f"measured of {text(title)} yet, so there is nothing to decide by.</p>"
                f"{told}</section>"
            )
        ]
    )


def unreadable(why: str) -> Html:
    """What is shown of a run that cannot be read."""
    return _wrapped([Html(f'<p class="message" role="alert">{text(why)}</p>')])


def _missing(title: str, told: str, command: str = "") -> Html:
    shown = f"<pre><code>{text(command)}</code></pre>" if command else ""
    return Html(
        f'<section class="missing">{LEVEL.heading(title)}{paragraph(told)}{shown}</section>'
    )


def _folded(title: str, inside: Html) -> Html:
    return Html(f"<details><summary>{text(title)}</summary>{inside}</details>")


def _wrapped(parts: list[Html]) -> Html:
    return Html(f'<div class="decide">{join(parts)}</div>')
