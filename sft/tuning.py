"""Tries recipes on one corpus and keeps what was tried: an Optuna study over `train_adapter`.

A study lies in one folder and goes on where it was, killed or not. All trials train on the same
rows with the same seed, so they differ by their recipe alone. Of each only its curve is kept: the
best recipe is trained again by `train --config best.toml`.
"""

import gc
import json
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from optuna.trial import TrialState

from core.errors import ProjectError, TrainingError
from core.prompts import PROMPT_VERSION
from core.storage import fingerprint_text, write_text
from sft.curve import best_row
from sft.job import TrainingJob
from sft.recipe import MOST_ASKED, Recipe
from sft.training import train_adapter
from sft.training_row import TrainingRow
from sft.tuning_report import importance, read_study, write_report, write_results
from sft.tuning_study import alone, bind, counted, opened, put_back, recover
from sft.tuning_table import TuningResult

# The space: what is tried, from where to where.

#: Peak rates of LoRA, and of methods that train the weights themselves; along their logarithm.
LORA_RATES = (2e-4, 4e-3)
WEIGHT_RATES = (2e-5, 5e-4)
#: LoRA's scale goes with the rank: lora_alpha is twice as much.
RANKS = (8, 16, 32, 64)
EPOCHS = (4, 16)
#: Lowest, highest, step.
DROPOUTS = (0.0, 0.2, 0.05)
BATCHES = (8, 16, 32)

#: So many trials are drawn at random before TPE has something to go by.
_RANDOM_TRIALS = 5
#: No trial is pruned before so many have finished, and none before so many validations of its own.
_UNPRUNED_TRIALS, _UNPRUNED_VALIDATIONS = 4, 2


@dataclass(frozen=True)
class TuningJob:
    """What a study is about: the run that every trial is, and the recipe that they vary.

    `run` names corpus, base and fingerprints; the trials have folders of their own in `folder`.
    Fields that are `held` stay as the recipe has them.
    """

    run: TrainingJob
    recipe: Recipe
    folder: Path
    device: str
    held: frozenset[str] = frozenset()


def search_space(recipe: Recipe, held: frozenset[str]) -> dict[str, BaseDistribution]:
    """Say which fields are tried within which bounds; fields that are held are left out."""
    weights = recipe.method != "lora"
    space: dict[str, BaseDistribution] = {
        "learning_rate": FloatDistribution(*(WEIGHT_RATES if weights else LORA_RATES), log=True),
        "rank": CategoricalDistribution(RANKS),
        "epochs": IntDistribution(*EPOCHS),
        "dropout": FloatDistribution(DROPOUTS[0], DROPOUTS[1], step=DROPOUTS[2]),
        "batch_size": CategoricalDistribution(
            [size for size in BATCHES if size % recipe.accumulation == 0] or [recipe.batch_size]
        ),
    }
    if weights:
        del space["rank"]
    return {name: bounds for name, bounds in space.items() if name not in held}


def tried_recipe(recipe: Recipe, parameters: Mapping[str, Any], held: frozenset[str]) -> Recipe:
    """Put a trial's parameters into the recipe."""
    changes = dict(parameters)
    if "learning_rate" in changes:
        # Three digits are all that anyone can tell apart, and the file is easier to read.
        changes["learning_rate"] = float(f"{changes['learning_rate']:.3g}")
    if "rank" in changes and "lora_alpha" not in held:
        changes["lora_alpha"] = 2 * changes["rank"]
    return recipe.model_copy(update=changes)


def tune(
    job: TuningJob,
    rows: Sequence[TrainingRow],
    validation: Sequence[TrainingRow],
    *,
    trials: int,
    restart: bool = False,
    report: Callable[[dict[str, float]], None] = lambda row: None,
) -> TuningResult:
    """Try recipes until so many trials in all have finished or been pruned.

    :param restart: forgets what the study has tried so far.
    :param report: called with each row of a trial's curve, with `trial` and `steps`.
    :raises TrainingError: when there is nothing to measure with or to vary, another process tunes
        this corpus, or the study was begun on something else.
    :raises StorageError: when the study cannot be written.
    """
    space = search_space(job.recipe, job.held)
    if not validation:
        raise TrainingError(
            f"{job.run.corpus} has no questions of the validation split, and recipes are compared "
            "by them. Label some in qa.jsonl."
        )
    if not space:
        raise TrainingError("Every field that is tuned is held by --set: there is nothing to try.")
    questions = min(len(validation), MOST_ASKED)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with alone(job.folder):
        if restart:
            shutil.rmtree(job.folder, ignore_errors=True)
        # What a killed trial left.
        shutil.rmtree(job.folder / "trials", ignore_errors=True)
        with opened(job.folder) as study:
            bind(study, _bound(job, space, [*rows, *validation]), job.run.corpus)
            study.pruner = optuna.pruners.MedianPruner(
                n_startup_trials=_UNPRUNED_TRIALS, n_warmup_steps=_UNPRUNED_VALIDATIONS + 1
            )
            if not study.trials:
                _begin_with_the_recipe(study, job, space)
            recover(study)
            while (done := counted(study)) < trials:
                # By what is done: a study that was interrupted draws as if it had not been.
                study.sampler = optuna.samplers.TPESampler(
                    seed=(job.recipe.seed + done) % 2**32, n_startup_trials=_RANDOM_TRIALS
                )
                _try(study, job, rows, validation, space=space, report=report)
                write_results(read_study(study, job.run.corpus, job.folder, questions))
            found = read_study(study, job.run.corpus, job.folder, questions)
            result = replace(found, importance=importance(study))
            write_report(result)
            return result


def _begin_with_the_recipe(
    study: optuna.Study, job: TuningJob, space: dict[str, BaseDistribution]
) -> None:
    """Try the recipe as it stands first, where the space holds it: that is what is to be beaten."""
    recipe = job.recipe
    given = {name: getattr(recipe, name) for name in space}
    if "learning_rate" in given:
        given["learning_rate"] = recipe.rate
    inside = all(_holds(bounds, given[name]) for name, bounds in space.items())
    if inside and tried_recipe(recipe, given, job.held).lora_alpha == recipe.lora_alpha:
        study.enqueue_trial(given)


def _holds(bounds: BaseDistribution, value: float) -> bool:
    if isinstance(bounds, CategoricalDistribution):
        return value in bounds.choices
    assert isinstance(bounds, FloatDistribution | IntDistribution)
    steps = (value - bounds.low) / (bounds.step or 1)
    on_grid = bounds.step is None or math.isclose(steps, round(steps), abs_tol=1e-9)
    return bounds.low <= value <= bounds.high and on_grid


def _bound(
    job: TuningJob, space: dict[str, BaseDistribution], rows: Sequence[TrainingRow]
) -> dict[str, str]:
    """What all trials of a study share, by the words it is called; compared when it goes on."""
    # The fields that are tried say nothing about the study: they only begin it.
    kept = job.recipe.model_dump(mode="json", exclude={*space, "lora_alpha"})
    if "rank" not in space or "lora_alpha" in job.held:
        kept["lora_alpha"] = job.recipe.lora_alpha
    return {
        "corpus": job.run.corpus_fingerprint,
        "base model": job.run.base_fingerprint,
        "prompts": PROMPT_VERSION,
        "recipe": json.dumps(kept, sort_keys=True),
        "search space": json.dumps(
            {name: distribution_to_json(bounds) for name, bounds in space.items()}, sort_keys=True
        ),
        # Retrieval and its settings go into them.
        "training rows": fingerprint_text(*map(repr, rows)),
    }


class _Watch:
    """Follows a trial's curve: hands on its validations, and ends it where others were better."""

    def __init__(self, trial: optuna.Trial, report: Callable[[dict[str, float]], None]) -> None:
        self.trial, self.report = trial, report
        self.rows: list[dict[str, float]] = []
        self.validations = 0

    def __call__(self, row: dict[str, float]) -> None:
        self.rows.append(row)
        self.report({"trial": self.trial.number, **row})
        value = measured(row)
        if value is None:
            return
        self.validations += 1
        self.trial.report(value, self.validations)
        if row["step"] < row["steps"] and self.trial.should_prune():
            raise optuna.TrialPruned

    def best(self) -> dict[str, float]:
        """Value and step of the best validation; nothing before the first."""
        row = best_row(self.rows)
        value = measured(row) if row else None
        return {"value": value, "step": row["step"]} if row and value is not None else {}


def measured(row: Mapping[str, float]) -> float | None:
    """Validation accuracy in a row of a curve, 0–1: of answers, else of rows word for word."""
    return row.get("eval_accuracy", row.get("eval_exact"))


def _try(
    study: optuna.Study,
    job: TuningJob,
    rows: Sequence[TrainingRow],
    validation: Sequence[TrainingRow],
    *,
    space: dict[str, BaseDistribution],
    report: Callable[[dict[str, float]], None],
) -> None:
    """Run one trial and tell the study how it went; nothing of it is left but its curve."""
    gc.collect()  # the model of the trial before
    trial = study.ask(space)
    recipe = tried_recipe(job.recipe, trial.params, job.held)
    trial.set_user_attr("recipe", recipe.model_dump(mode="json"))
    place = job.folder / "trials" / str(trial.number)
    run = replace(
        job.run,
        name=f"trial-{trial.number}",
        run_folder=place / "run",
        adapter_folder=place / "adapter",
    )
    watch, began = _Watch(trial, report), time.monotonic()
    state, reason = TrialState.COMPLETE, ""
    try:
        made = train_adapter(run, rows, validation, recipe=recipe, device=job.device, report=watch)
        if made.manifest.stopped:
            raise KeyboardInterrupt  # from outside: half a trial says nothing of its recipe
    except optuna.TrialPruned:
        state = TrialState.PRUNED
    except TrainingError as error:
        own = watch.rows or any(word in str(error) for word in ("diverged", "memory"))
        if not own:
            trial.set_user_attr("reason", str(error))
            study.tell(trial, state=TrialState.FAIL)
            raise  # the rows or the recipe: no other trial would go better
        state, reason = TrialState.PRUNED, str(error)
    except (KeyboardInterrupt, ProjectError):
        # Stopped, or the disk is full: no fault of the trial's.
        put_back(study, study.trials[trial.number])
        raise
    finally:
        shutil.rmtree(place.parent, ignore_errors=True)
    lines = "".join(json.dumps(row) + "\n" for row in watch.rows)
    write_text(job.folder / "curves" / f"{trial.number}.jsonl", lines)
    best = watch.best()
    if not best and state is TrialState.COMPLETE:
        state, reason = TrialState.PRUNED, "it ended before its first validation"
    for name, value in {
        **best,
        "minutes": (time.monotonic() - began) / 60,
        "reason": reason,
    }.items():
        trial.set_user_attr(name, value)
    study.tell(trial, best["value"] if state is TrialState.COMPLETE else None, state=state)
