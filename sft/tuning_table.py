"""What a study found, in words: its table, how sure its best is, and its best recipe as a file."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.wilson import wilson
from sft.recipe import Recipe

#: What each state is called; Optuna has other words.
FINISHED, PRUNED, FAILED = "finished", "pruned", "failed"


@dataclass(frozen=True)
class TrialRecord:
    """One trial. `value` is its best validation accuracy (0–1), measured after `step` steps."""

    number: int
    state: str
    parameters: dict[str, float]
    value: float | None = None
    step: int | None = None
    minutes: float | None = None
    #: Why it was pruned or failed, where it was not by its figures.
    reason: str = ""


@dataclass(frozen=True)
class TuningResult:
    """A study as it stands."""

    corpus: str
    #: The folder of the table, the pictures, the curves and `best.toml`.
    folder: Path
    #: Validation questions that every trial is measured on.
    questions: int
    trials: tuple[TrialRecord, ...]
    #: The whole of the best recipe; None before a trial has finished.
    recipe: Recipe | None = None
    #: Share of each tuned field in how the finished trials differ (adds up to 1); none if too few.
    importance: dict[str, float] = field(default_factory=dict)

    @property
    def best(self) -> TrialRecord | None:
        """The finished trial of the highest accuracy, the earliest of equals."""
        ranked = _ranked(self.trials)
        return ranked[0] if ranked else None

    @property
    def doubt(self) -> str:
        """What the figures do not show; see `doubt`."""
        return doubt(self.trials, self.questions)

    def as_json(self) -> dict[str, Any]:
        """Return the study for `--json`."""
        return {
            "corpus": self.corpus,
            "folder": str(self.folder),
            "questions": self.questions,
            "trials": [asdict(trial) for trial in self.trials],
            "best": asdict(self.best) if self.best else None,
            "recipe": self.recipe.model_dump(mode="json") if self.recipe else None,
            "importance": self.importance,
            "doubt": self.doubt,
        }


def trials_table(trials: Sequence[TrialRecord]) -> str:
    """Write the trials as a Markdown table, in the order they were tried."""
    fields = list(dict.fromkeys(name for trial in trials for name in trial.parameters))
    best = _ranked(trials)[:1]
    lines = [
        "| trial | state | " + "".join(f"{name} | " for name in fields) + "accuracy | step | min |",
        "|---" * (5 + len(fields)) + "|",
    ]
    for trial in trials:
        marked = f"**{trial.number}**" if trial in best else str(trial.number)
        state = f"{trial.state} ({trial.reason})" if trial.reason else trial.state
        given = [_figure(trial.parameters.get(name)) for name in fields]
        accuracy = "" if trial.value is None else f"{trial.value:.3f}"
        minutes = "" if trial.minutes is None else f"{trial.minutes:.1f}"
        cells = [marked, state, *given, accuracy, _figure(trial.step), minutes]
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines)


def doubt(trials: Sequence[TrialRecord], questions: int) -> str:
    """Say in a sentence or two how much the best trial's lead is worth.

    :param questions: how many validation questions the accuracy was measured on.
    """
    ranked = _ranked(trials)
    if not ranked:
        return "No trial has finished, so there is no best recipe yet."
    best, value = ranked[0], ranked[0].value or 0.0
    low, high = wilson(value, questions)
    text = (
        f"Trial {best.number} reached {value:.3f} of {questions} validation questions "
        f"(95 % interval {low:.3f} to {high:.3f})."
    )
    if len(ranked) == 1:
        return text + " It is the only one that finished: there is nothing to compare it with."
    second = ranked[1]
    below = f"trial {second.number}, the second best ({second.value or 0.0:.3f}),"
    if (second.value or 0.0) >= low:
        text += (
            f" {below.capitalize()} lies within that interval: the difference between the two may "
            "be chance."
        )
    else:
        text += f" {below.capitalize()} lies below that interval."
    return text + (
        f" The best of {len(ranked)} is chosen by these same questions, so its figure is too high "
        "rather than too low; measure it on the test split."
    )


def recipe_file(recipe: Recipe, tuned: Collection[str], comments: Sequence[str]) -> str:
    """Write a recipe as the TOML that `train --config` takes.

    :param tuned: fields that are written even where they have their default.
    :param comments: lines above it.
    """
    defaults = Recipe.model_validate({})
    lines = [f"# {comment}" for comment in comments]
    for name in Recipe.model_fields:
        value = getattr(recipe, name)
        if value is not None and (name in tuned or value != getattr(defaults, name)):
            # What JSON writes of texts, lists, numbers and truth values is TOML as well.
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _ranked(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    finished = [one for one in trials if one.state == FINISHED and one.value is not None]
    return sorted(finished, key=lambda one: (-(one.value or 0.0), one.number))


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
