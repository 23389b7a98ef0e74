"""The head of a report: what the evidence supports, how sure that is, and the picture of it."""

import re
from collections.abc import Mapping
from typing import Any

from eval.report_data import Run
from eval.report_html import (
    LINES,
    NOTHING,
    TITLES,
    Html,
    Level,
    arm,
    join,
    listed,
    paragraph,
    plural,
    table,
    text,
    words,
)
from eval.report_picture import quality_against_time


def verdict(run: Run, level: Level) -> Html:
    """The answer to the question the report was made for, and its reasons."""
    found = run.summary.get("verdict")
    if not isinstance(found, dict) or not found.get("sentence"):
        found = plain_verdict(run)
    # The first clause answers the question; the others qualify it, and are read after it.
    lead, *further = clauses(str(found["sentence"]))
    reasons = listed(text(reason) for reason in (*further, *found.get("reasons", ())))
    sure = (
        "The differences behind this sentence are larger than chance explains."
        if found.get("sure")
        else "This is not settled: other arms may be as good. The comparisons below say how far."
    )
    return Html(
        f'<section class="verdict" id="{level.name("verdict")}">'
        f"{level.heading('The verdict')}{paragraph(lead, css='answer')}{reasons}"
        f"{paragraph(sure, css='sure')}</section>"
    )


def clauses(sentence: str) -> list[str]:
    """Cut a sentence at its semicolons, but for those in brackets, into sentences."""
    parts = (part.strip().rstrip(".") for part in re.split(r";(?![^(]*\))", sentence))
    return [f"{part[:1].upper()}{part[1:]}." for part in parts if part]


def plain_verdict(run: Run) -> dict[str, Any]:
    """Say what the comparisons of accuracy support, for a summary that has no verdict itself."""
    best, clear, level = against_best(run)
    if not best:
        return {"sentence": "The summary holds no accuracy: nothing can be said.", "sure": False}
    share = run.arms[best]["metrics"]["accuracy"]
    told = f"{share['value']:.2f} (95 % interval {share['low']:.2f} to {share['high']:.2f})"
    sentence = f"{TITLES.get(best, best)} answered best: accuracy {told}"
    if clear:
        sentence += f", clearly better than {_and(clear)}"
    sentence += f"; no clear difference to {_and(level)}." if level else "."
    return {"sentence": sentence, "reasons": [], "best": best, "sure": bool(clear) and not level}


def against_best(run: Run) -> tuple[str, list[str], list[str]]:
    """The arm of the highest accuracy ("" for none), those clearly worse, and the others."""
    quality = {name: found["metrics"].get("accuracy") for name, found in run.arms.items()}
    scored = {name: one["value"] for name, one in quality.items() if one}
    if not scored:
        return "", [], []
    best = max(scored, key=lambda name: scored[name])
    clear: list[str] = []
    level: list[str] = []
    for one in run.summary.get("comparisons") or ():
        if one["metric"] == "accuracy" and best in (one["a"], one["b"]):
            other = one["b"] if one["a"] == best else one["a"]
            is_clear = one["verdict"] == ("better" if one["a"] == best else "worse")
            (clear if is_clear else level).append(other)
    return best, clear, level


def _and(arms: list[str]) -> str:
    names = [TITLES.get(name, name) for name in arms]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def problems(run: Run, level: Level) -> Html:
    """What of the folder was missing or damaged; nothing where all is well."""
    if not run.problems:
        return NOTHING
    told = listed(text(problem) for problem in run.problems)
    return Html(
        f'<div class="problem" role="note" id="{level.name("problems")}">'
        f"<p><strong>Read this first.</strong> Not all of this run could be read.</p>{told}</div>"
    )


def picture(run: Run, level: Level) -> Html:
    """Quality against time, and what the arms are."""
    drawn = quality_against_time(run.arms, name=level.name("quality-time"))
    if not drawn:
        return NOTHING
    key = join(
        Html(f"<dt>{arm(name)}</dt><dd>{text(LINES.get(name, 'an arm of this run'))}</dd>")
        for name in run.arms
    )
    caption = (
        "Up is better, left is faster. The upright line is the 95 % interval of the accuracy; the "
        "dotted line runs from the median time of an answer to the time that 95 % stay below. Arms "
        "of like times stand side by side, the later moved a little to the right."
        f"{_timed_on(run.info.get('machine'))}"
    )
    return Html(
        f'<section id="{level.name("picture")}">{level.heading("Quality against time")}'
        f'<div class="pictured"><figure>{drawn}</figure><div><dl class="key">{key}</dl>'
        f"{paragraph(caption, css='note')}</div></div></section>"
    )


def _timed_on(machine: Any) -> str:
    if not isinstance(machine, dict) or not machine:
        return ""
    parts = []
    if machine.get("cpus"):
        parts.append(plural(int(machine["cpus"]), "processor core"))
    if machine.get("device"):
        parts.append(f"on {machine['device']}")
    if machine.get("dtype"):
        parts.append(f"in {str(machine['dtype']).removeprefix('torch.')}")
    return f" Times are of this run's machine: {', '.join(parts)}." if parts else ""


def coverage(run: Run, level: Level) -> Html:
    """Who answered how many, and which questions failed."""
    found: Mapping[str, Any] = run.summary.get("coverage") or {}
    arms = found.get("arms") or {}
    if not arms:
        return NOTHING
    asked = int(found.get("asked", run.summary["n"]))
    failures = [(name, one) for name, part in arms.items() for one in part.get("failed", ())]
    short = [name for name, part in arms.items() if part.get("answered", asked) < asked]
    if not short:
        told = f"Every arm answered all {plural(asked, 'question')}."
        return _coverage_section(level, paragraph(told))
    counts = table(
        "Questions answered",
        words("arm", "answered", "failed"),
        [
            [
                arm(name),
                text(f"{part.get('answered', 0)} of {asked}"),
                text(len(part.get("failed", ()))),
            ]
            for name, part in arms.items()
        ],
    )
    told = (
        "A question that failed counts neither as right nor as wrong: it is left out, and two arms "
        "are compared on the questions that both answered."
    )
    which = (
        table(
            "Failed questions",
            words("question", "arm", "what happened"),
            [
                [text(_asked(run, one)), arm(name), text(one.get("error", ""))]
                for name, one in failures
            ],
        )
        if failures
        else NOTHING
    )
    return _coverage_section(level, join([paragraph(told), counts, which]))


def _asked(run: Run, failed: Mapping[str, Any]) -> str:
    name = str(failed.get("question_id", ""))
    return str(run.questions.get(name, {}).get("question") or name)


def _coverage_section(level: Level, inside: Html) -> Html:
    return Html(
        f'<section id="{level.name("coverage")}">{level.heading("Coverage")}{inside}</section>'
    )
