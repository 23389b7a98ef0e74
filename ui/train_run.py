"""One run as it stands on disk: how far it is, how long it takes still, what its curve shows."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from core.errors import TrainingError
from sft.curve import reading
from sft.recipe import Recipe
from sft.run_folder import RunFolder, RunRecord, curve_events, read_curve, unfinished_runs
from ui.train_recipe import recipe_words
from ui.trainings import Going

Row = dict[str, float]


@dataclass(frozen=True)
class RunView:
    """What there is to tell of a run."""

    name: str
    record: RunRecord
    recipe: Recipe
    rows: list[Row] = field(default_factory=list)
    step: int = 0
    steps: int = 0
    #: When it was begun or last gone on with.
    begun: str = ""
    #: Seconds a step since it was begun or gone on with; None before the first.
    pace: float | None = None
    #: When its last row was written.
    written: datetime | None = None
    #: How it ended; empty while it goes on, or when it was broken off.
    result: dict[str, Any] = field(default_factory=dict)

    def seconds_left(self, at: datetime) -> float | None:
        """Estimate what its remaining steps take, by those it has done."""
        if self.pace is None or self.written is None or not self.steps:
            return None
        since = (at - self.written).total_seconds()
        return max(0.0, (self.steps - self.step) * self.pace - since)

    @property
    def reading(self) -> str:
        """A sentence on what the curve shows; empty before it shows anything."""
        if self.result.get("reading"):
            return str(self.result["reading"])
        return reading(self.rows) if any("eval_loss" in row for row in self.rows) else ""


def read_run(folder: RunFolder) -> RunView | None:
    """Read a run; None when its files cannot be read, or it has only just begun."""
    try:
        record, recipe = folder.record(), folder.recipe()
    except TrainingError:
        return None
    if not folder.curve.is_file():
        return RunView(folder.name, record, recipe, result=_result(folder))
    rows, events = read_curve(folder.curve), curve_events(folder.curve)
    begun: dict[str, Any] = next(
        (one for one in reversed(events) if one["event"] in ("start", "resume")), {}
    )
    step = int(max((row.get("step", 0) for row in rows), default=0))
    written = datetime.fromtimestamp(folder.curve.stat().st_mtime, UTC)
    pace = None
    done = step - int(begun.get("step", 0))
    if done > 0 and "time" in begun:
        pace = (written - datetime.fromisoformat(begun["time"])).total_seconds() / done
    return RunView(
        folder.name,
        record,
        recipe,
        rows=rows,
        step=step,
        steps=int(begun.get("steps", 0)),
        begun=str(begun.get("time", "")),
        pace=pace,
        written=written,
        result=_result(folder),
    )


def newest_run(runs: Path, corpus: str) -> RunFolder | None:
    """Find the run of a corpus that was begun last."""
    found = []
    for path in runs.glob("*/job.json"):
        run = RunFolder(path.parent)
        try:
            record = run.record()
        except TrainingError:
            continue
        if record.corpus == corpus:
            found.append((record.started, run.name, run))
    return max(found, key=lambda one: one[:2])[2] if found else None


def broken_off(runs: Path, corpus: str, going: Going | None) -> RunFolder | None:
    """Find the newest run of a corpus that has no end and is not going on."""
    found = unfinished_runs(runs, corpus)
    return next((run for run in found if going is None or run.name != going.run), None)


def status(going: Going | None, run: RunView | None, *, failure: str, at: datetime) -> str:
    """Say in a line and a bar what is going on, or how the last run went."""
    if going is not None:
        return _going(going, run, at)
    failed = f'<p class="bad">✗ The last one failed: {escape(failure)}</p>' if failure else ""
    if run is None:
        return _box("Nothing is going on", failed or "<p>No training was begun here yet.</p>")
    ended = run.result.get("ended")
    if ended is None:
        body = (
            f"<p>The training {escape(run.name)} was broken off at step {run.step} of {run.steps}. "
            "It can go on from its last checkpoint.</p>"
        )
        return _box("Broken off", failed + body + _bar(run))
    if ended in ("diverged", "refused"):
        return _box(
            "It failed", f'<p class="bad">✗ {escape(str(run.result.get("reason", "")))}</p>'
        )
    stopped = str(run.result.get("stopped") or "")
    minutes = float(run.result.get("seconds", 0)) / 60
    told = (
        f"The training {escape(run.name)} made the adapter <b>{escape(run.record.name)}</b> of "
        f"{run.record.rows} rows in {run.step} steps and {minutes:.1f} minutes"
        + (f" ({escape(stopped)})" if stopped else "")
    )
    body = f"<p>{told}.</p>{_reading(run)}{_recipe(run)}"
    return _box("Stopped, and kept" if stopped else "Finished", failed + body)


def time_words(seconds: float) -> str:
    """Say a duration as a person would."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    hours = f"{minutes // 60} h " if minutes >= 60 else ""
    return f"{hours}{minutes % 60} min"


def _going(going: Going, run: RunView | None, at: datetime) -> str:
    of = f" of {escape(going.corpus)}" if going.corpus else ""
    if going.kind == "tune":
        body = (
            "<p>Its trials are listed under Tuning as they finish; the log says how far it is.</p>"
        )
        return _box(f"Recipes{of} are being tried", body, live=True)
    if going.kind == "forgetting":
        body = "<p>The general questions are asked again; the log says how far it is.</p>"
        return _box(f"What an adapter{of} forgot is being measured", body, live=True)
    if not going.run:
        if run is not None and run.result:
            body = "<p>It is trained; now what it forgot is measured, and the log says how far.</p>"
            return _box(f"A training{of} comes to its end", body + _reading(run), live=True)
        body = (
            "<p>The documents are searched for each question, then the model is loaded: the first "
            "step takes a while.</p>"
        )
        return _box(f"A training{of} begins", body, live=True)
    if run is None or not run.steps:
        return _box(f"A training{of} is going on", "<p>No step was made yet.</p>", live=True)
    left = run.seconds_left(at)
    told = f"<b>Step {run.step} of {run.steps}</b>"
    if left is not None:
        told += f", about {time_words(left)} left"
        if run.recipe.patience:
            told += " at most: it ends earlier when validation stops improving"
    body = f'<p class="step">{told}.</p>{_bar(run)}{_so_far(run)}{_recipe(run)}'
    return _box(f"A training{of} is going on", body, live=True)


def _bar(run: RunView) -> str:
    return (
        f'<progress max="{max(run.steps, 1)}" value="{run.step}" aria-label="Steps done">'
        f"{run.step} of {run.steps}</progress>"
    )


def _so_far(run: RunView) -> str:
    """What can be told before the end: that it learnt too little cannot."""
    return _reading(run) if run.reading.startswith("Validation stopped") else ""


def _reading(run: RunView) -> str:
    return f'<p class="reading">{escape(run.reading)}</p>' if run.reading else ""


def _recipe(run: RunView) -> str:
    return f'<p class="soft">Recipe: {escape(recipe_words(run.recipe))}.</p>'


def _box(title: str, body: str, *, live: bool = False) -> str:
    state = "live" if live else "still"
    return (
        f'<section class="train status {state}" data-state="{state}">'
        f"<h3>{title}</h3>{body}</section>"
    )


def _result(folder: RunFolder) -> dict[str, Any]:
    try:
        found = json.loads((folder.path / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
