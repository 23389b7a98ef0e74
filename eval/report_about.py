"""The end of a report: its limits in plain words, what made it, and how to make it again."""

import shlex
from collections.abc import Mapping
from typing import Any

from eval.report_data import Run
from eval.report_html import (
    NOTHING,
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
from eval.report_tables import metric_name

#: What makes an answer, and how provenance names it. Fingerprints are long: in their own line.
_MADE = (
    ("base model", "base_model", "base_fingerprint"),
    ("adapter", "adapter", "adapter_fingerprint"),
    ("index", "index", "index_fingerprint"),
    ("prompt version", "prompt_version", ""),
    ("decoding", "decoding", ""),
    ("seed", "seed", ""),
)
_ALL = 4


def limits(run: Run, level: Level) -> Html:
    """What this report cannot say."""
    summary = run.summary
    said = [
        f"It rests on {plural(summary['n'], 'question')} of one corpus. The intervals say how far "
        "other questions of the same sort could move the figures, not other sorts of questions.",
        "One adapter was trained once and answered once: what another training run would give "
        "is not in the intervals.",
        "Whether an answer is right is decided by rule (it equals or contains an accepted answer), "
        "not by a person: right answers in unforeseen words count as wrong, and a wrong answer "
        "that holds the right words counts as right.",
        "Times are of one machine and one way to batch; other hardware changes them, and may "
        "change the order of the arms.",
    ]
    found = [
        one["detectable"]
        for one in summary.get("comparisons") or ()
        if one.get("metric") == "accuracy" and isinstance(one.get("detectable"), int | float)
    ]
    if found:
        said.insert(
            1,
            f"Between two arms, a true difference in accuracy smaller than {min(found):.2f} to "
            f"{max(found):.2f} would more likely than 1 in 5 have been missed.",
        )
    elif summary["n"] < 250:
        said.insert(
            1,
            "To see a difference of 0.10 in accuracy four times out of five, some 250 questions "
            f"are needed; here are {summary['n']}.",
        )
    limit = run.info.get("limit")
    if limit:
        said.append(f"The questions are a seeded sample: --limit {limit} of the split.")
    arms = (summary.get("coverage") or {}).get("arms") or {}
    failed = sum(len(part.get("failed", ())) for part in arms.values())
    if failed:
        said.append(
            f"{plural(failed, 'answer')} failed and count neither way; if hard questions fail "
            "more often, the figures are too good."
        )
    if len(run.arms) < _ALL:
        said.append(f"Only {', '.join(run.arms)} ran: the other arms are not judged.")
    return Html(
        f'<section id="{level.name("limits")}">{level.heading("Limits")}'
        f"{listed(text(one) for one in said)}</section>"
    )


def provenance(run: Run, level: Level) -> Html:
    """What made the answers, the commands that make them again, and how metrics were computed."""
    made = {
        name: one
        for name, one in (run.summary.get("provenance") or run.info.get("provenance") or {}).items()
        if isinstance(one, dict) and one
    }
    parts = [_facts(run), _made(made), _commands(run, level), _signatures(run)]
    return Html(
        f'<section id="{level.name("provenance")}">'
        f"{level.heading('Where the figures come from')}{join(parts)}</section>"
    )


def _facts(run: Run) -> Html:
    info, machine = run.info, run.info.get("machine")
    facts = [
        ("corpus", f"{run.title} ({run.summary['corpus']})"),
        ("split", run.summary.get("split")),
        ("started", info.get("started")),
        ("corpus fingerprint", info.get("corpus_fingerprint")),
        ("questions fingerprint", info.get("questions_fingerprint")),
        ("machine", _told(machine) if isinstance(machine, dict) else ""),
    ]
    told = join(
        Html(f'<dt>{text(name)}</dt><dd class="mono">{text(value)}</dd>')
        for name, value in facts
        if value not in (None, "")
    )
    return Html(f'<dl class="key">{told}</dl>')


def _told(machine: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in machine.items())


def _made(made: Mapping[str, Mapping[str, Any]]) -> Html:
    if not made:
        return NOTHING
    rows = []
    for told, key, mark in _MADE:
        cells = [_named(one.get(key), one.get(mark)) for one in made.values()]
        if any(cells):
            rows.append([text(told), *(cell or text("–") for cell in cells)])
    columns = [*words("made with"), *words(*made)]
    heads = [columns[0], *(type(columns[0])(arm(name), words=True) for name in made)]
    return table("What made the answers of each arm", heads, rows)


def _named(value: Any, fingerprint: Any) -> Html:
    if value in (None, ""):
        return NOTHING
    mark = (
        f'<br><span class="mono range">{text(str(fingerprint)[:12])}</span>' if fingerprint else ""
    )
    return Html(f"{text(value)}{mark}")


def _commands(run: Run, level: Level) -> Html:
    """The commands, quoted for a shell, with a folder's name and no path of this machine."""
    info, folder = run.info, run.folder.name or "RUN"
    parts = ["sft-vs-rag", "evaluate", str(run.summary["corpus"]), "--arms", ",".join(run.arms)]
    parts += ["--split", str(run.summary.get("split", "test"))]
    for option in ("limit", "seed"):
        if info.get(option) is not None:
            parts += [f"--{option}", str(info[option])]
    if info.get("oracles") == []:
        parts.append("--no-oracle")
    lines = [
        shlex.join([*parts, "--out", folder]),
        shlex.join(["sft-vs-rag", "report", folder]),
    ]
    if run.change.get("revision"):
        lines.insert(1, _change_command(run))
    told = "The first asks the models; the last only reads what they answered."
    return join(
        [
            level.heading("To make it again", below=1),
            paragraph(told, css="lead"),
            Html(f'<pre tabindex="0"><code>{text(chr(10).join(lines))}</code></pre>'),
        ]
    )


def _change_command(run: Run) -> str:
    """The change test's command, with what was not left to its default."""
    asked = run.change.get("asked") or {}
    parts = ["sft-vs-rag", "change", str(run.summary["corpus"]), str(run.change["revision"])]
    if asked.get("arms"):
        parts += ["--arms", ",".join(asked["arms"])]
    for option in ("limit", "seed"):
        if asked.get(option) is not None:
            parts += [f"--{option}", str(asked[option])]
    for step in run.change.get("timeline") or ():
        if step.get("step") == "retrain":
            parts.append("--retrain")
            for name, value in (step.get("recipe") or {}).items():
                told = ",".join(map(str, value)) if isinstance(value, list) else value
                parts += ["--set", f"{name}={told}"]
    return shlex.join(parts)


def _signatures(run: Run) -> Html:
    found = run.summary.get("signatures") or {}
    if not found:
        return NOTHING
    return table(
        "How each metric is computed",
        words("metric", "signature"),
        [
            [text(metric_name(name)), Html(f'<span class="mono">{text(signature)}</span>')]
            for name, signature in found.items()
        ],
    )
