"""Tables of a summary in Markdown, for the terminal and a README."""

from collections.abc import Mapping
from typing import Any

_COLUMNS = ("accuracy", "exact_match", "f1", "bleu", "rougeL", "chrf")


def arms_table(summary: dict[str, Any]) -> str:
    """Main metrics of each arm with 95 % intervals, then accuracy by kind and exposure."""
    return "\n\n".join([_metrics(summary), _slices(summary), _retrieval(summary)]).strip()


def _metrics(summary: dict[str, Any]) -> str:
    lines = [
        f"{summary['corpus']}, {summary['split']} split, {summary['n']} questions",
        "",
        "| arm | " + " | ".join(_COLUMNS) + " | seconds p50 |",
        "|---" * (len(_COLUMNS) + 2) + "|",
    ]
    for name, arm in summary["arms"].items():
        cells = [interval_cell(arm["metrics"][metric]) for metric in _COLUMNS]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {arm['seconds']['p50']:.2f} |")
    return "\n".join(lines)


def _slices(summary: dict[str, Any]) -> str:
    arms = summary["arms"]
    lines = ["| accuracy | n | " + " | ".join(arms) + " |", "|---" * (len(arms) + 2) + "|"]
    for group in ("by_kind", "by_kind_and_exposure", "by_exposure", "by_known"):
        # An arm whose questions of a slice all failed has no such slice.
        parts = [arm.get(group, {}) for arm in arms.values()]
        for name in dict.fromkeys(name for part in parts for name in part):
            cells = [
                interval_cell(part[name]["accuracy"]) if name in part else "–" for part in parts
            ]
            most = max(part[name]["n"] for part in parts if name in part)
            lines.append(f"| {name} | {most} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _retrieval(summary: dict[str, Any]) -> str:
    measures = summary["retrieval"]
    if not measures:
        return ""
    return "Retrieval: " + ", ".join(f"{name} {value:.3f}" for name, value in measures.items())


def interval_cell(found: Mapping[str, float]) -> str:
    """A figure with its 95 % interval, as every table in Markdown shows it."""
    return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"


def shown_p(p: float) -> str:
    """A p-value as people read it."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
