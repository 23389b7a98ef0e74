"""Points of learning against forgetting: read, compared at one learning score, drawn."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from core.storage import read_lines, write_text

BASE_FILE = "base.json"
#: The order in which they are told.
FAMILIES = ("none", "replay", "kl", "path", "scale", "full", "anchor")
#: The two costs that are drawn, with their words.
COSTS = {
    "lost_share": "share of the base's general answers lost",
    "answer_kl": "KL(base ‖ tuned) on the base's answers, nats a token",
}


@dataclass(frozen=True)
class Setting:
    """What is trained for one point: a family's strength, the run's length, the seed."""

    family: str
    strength: float
    epochs: int
    seed: int

    @property
    def key(self) -> str:
        return f"{self.family}-{self.strength:g}-e{self.epochs}-s{self.seed}"


@dataclass(frozen=True)
class Point(Setting):
    """One measured adapter. `learnt` and `lost_share` are shares, the others nats a token."""

    learnt: float
    lost_share: float
    lost: int
    gained: int
    base_right: int
    loss_change: float
    text_kl: float
    answer_kl: float
    seconds: float


def read_points(work: Path) -> list[Point]:
    path = work / "points.jsonl"
    return [Point(**row) for row in read_lines(path)] if path.is_file() else []


def read_base(work: Path) -> dict[str, Any] | None:
    """What the campaign is about, and what the base answers before any training (`learnt`)."""
    path = work / BASE_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def frontier(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those (learnt, cost) that no other beats in both, from least to most learnt."""
    best: list[tuple[float, float]] = []
    for learnt, cost in sorted(points, key=lambda one: (-one[0], one[1])):
        if not best or cost < best[-1][1]:
            best.append((learnt, cost))
    return best[::-1]


def cost_at(points: Sequence[tuple[float, float]], learnt: float) -> float | None:
    """Cost at a learning score, linear between the points around it; None beyond the last."""
    best = frontier(points)
    if not best or learnt > best[-1][0]:
        return None
    before = (best[0][0], best[0][1])
    for after in best:
        if after[0] >= learnt:
            width = after[0] - before[0]
            share = (learnt - before[0]) / width if width else 1.0
            return before[1] + share * (after[1] - before[1])
        before = after
    return None


def matched_score(points: Sequence[Point]) -> float:
    """The score to compare at: four fifths of the best reached without any mitigation.

    Of several seeds, their mean. Less than the best, since what holds on to the base learns less.
    """
    plain = [one for one in points if one.family == "none"] or list(points)
    seeds = {one.seed for one in plain}
    return 0.8 * mean(max(one.learnt for one in plain if one.seed == seed) for seed in seeds)


def matched(points: Sequence[Point], family: str, cost: str, *, base: float) -> list[float | None]:
    """The cost of a family at the matched score, a value a seed; None where it is not reached."""
    score = matched_score(points)
    mine = [one for one in points if one.family == family]
    return [
        cost_at(
            [(base, 0.0)] + [(p.learnt, getattr(p, cost)) for p in mine if p.seed == seed], score
        )
        for seed in sorted({one.seed for one in mine})
    ]


def table(points: Sequence[Point], *, base: float) -> str:
    """Markdown: each family at the matched score, then every setting, means over seeds."""
    lines = [
        f"At {matched_score(points):.2f} of the held-out wordings answered (the base answers "
        f"{base:.2f} of them):",
        "",
        "| against forgetting | seeds | answers lost | KL on answers |",
        "|---|---|---|---|",
    ]
    for family in _families(points):
        costs = {cost: matched(points, family, cost, base=base) for cost in COSTS}
        seeds = len(costs["lost_share"])
        lines.append(f"| {family} | {seeds} | " + " | ".join(map(_spread, costs.values())) + " |")
    lines += [
        "",
        "| setting | epochs | seeds | learnt | answers lost | gained | plain-text loss "
        "| KL on text | KL on answers |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for _, group in _by_setting(points):
        first = group[0]
        values = [
            f"{mean(getattr(one, name) for one in group):{form}}"
            for name, form in (
                ("learnt", ".2f"), ("lost_share", ".3f"), ("gained", ".1f"),
                ("loss_change", "+.3f"), ("text_kl", ".3f"), ("answer_kl", ".3f"),
            )
        ]  # fmt: skip
        name = f"{first.family} {first.strength:g}"
        lines.append(f"| {name} | {first.epochs} | {len(group)} | " + " | ".join(values) + " |")
    return "\n".join(lines) + "\n"


def _spread(values: Sequence[float | None]) -> str:
    reached = [one for one in values if one is not None]
    if len(reached) < len(values):
        return f"not reached by {len(values) - len(reached)} of {len(values)}"
    if len(reached) == 1:
        return f"{reached[0]:.3f}"
    return f"{mean(reached):.3f} ({min(reached):.3f} to {max(reached):.3f})"


def _families(points: Sequence[Point]) -> list[str]:
    return [name for name in FAMILIES if any(one.family == name for one in points)]


def _by_setting(points: Sequence[Point]) -> Iterator[tuple[tuple[str, float, int], list[Point]]]:
    groups: dict[tuple[str, float, int], list[Point]] = {}
    for one in points:
        groups.setdefault((one.family, one.strength, one.epochs), []).append(one)
    order = _families(points)
    yield from sorted(groups.items(), key=lambda item: (order.index(item[0][0]), *item[0][1:]))


def draw(points: Sequence[Point], path: Path, *, base: float) -> None:
    """Draw both costs over what was learnt, a line a family through its best mean points."""
    with rc_context({"svg.hashsalt": "forgetting", "font.size": 9}):
        figure = Figure(figsize=(10, 4.2), layout="constrained")
        panels = figure.subplots(1, len(COSTS))
        for panel, (cost, words) in zip(panels, COSTS.items(), strict=True):
            for family in _families(points):
                found = [
                    (mean(p.learnt for p in group), mean(getattr(p, cost) for p in group))
                    for (name, *_), group in _by_setting(points)
                    if name == family
                ]
                line = frontier([(base, 0.0), *found])
                [drawn] = panel.plot(*zip(*line, strict=True), alpha=0.6, linewidth=1)
                panel.scatter(*zip(*found, strict=True), color=drawn.get_color(), label=family)
            panel.axvline(matched_score(points), color="grey", linestyle=":", linewidth=1)
            panel.set_xlabel("learnt: held-out wordings answered right")
            panel.set_ylabel(words)
            panel.set_ylim(bottom=0)
        panels[0].legend(frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None})


def write_results(points: Sequence[Point], folder: Path, *, base: float) -> None:
    """Write `forgetting-measured.md` and `forgetting-measured.svg`."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f"# Learning against forgetting\n\n{table(points, base=base)}\n"
    write_text(
        folder / "forgetting-measured.md",
        text + "![learning against forgetting](forgetting-measured.svg)\n",
    )
    draw(points, folder / "forgetting-measured.svg", base=base)
