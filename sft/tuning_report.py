"""Reads a study and writes what it found beside it: table, pictures, best recipe."""

import math
from pathlib import Path

import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from core.storage import write_bytes, write_text
from sft.recipe import Recipe
from sft.tuning_pictures import history_picture, importance_picture
from sft.tuning_table import (
    FAILED,
    FINISHED,
    PRUNED,
    TrialRecord,
    TuningResult,
    recipe_file,
    trials_table,
)

#: Fewer finished trials say nothing of which field mattered.
ENOUGH_FOR_IMPORTANCE = 4
BEST_FILE, TABLE_FILE = "best.toml", "trials.md"
_IMPORTANCE_FILE, _HISTORY_FILE = "importance.svg", "history.svg"
_STATES = {
    TrialState.COMPLETE: FINISHED,
    TrialState.PRUNED: PRUNED,
    TrialState.FAIL: FAILED,
}


def read_study(study: optuna.Study, corpus: str, folder: Path, questions: int) -> TuningResult:
    """Read a study's trials.

    :param questions: how many validation questions each was measured on.
    """
    trials = study.get_trials(states=tuple(_STATES))
    records = tuple(_record(trial) for trial in trials)
    result = TuningResult(corpus, folder, questions, records, _importance(study), None)
    if result.best is None:
        return result
    best = next(one for one in trials if one.number == result.best.number)
    recipe = Recipe.model_validate(best.user_attrs["recipe"])
    return TuningResult(corpus, folder, questions, records, result.importance, recipe)


def write_report(result: TuningResult) -> None:
    """Write `trials.md`, the two pictures and `best.toml` into the study's folder."""
    folder = result.folder
    parts = [f"# Recipes tried on {result.corpus}", trials_table(result.trials), result.doubt]
    parts.append(importance_words(result))
    parts.append(f"![Best accuracy of each trial]({_HISTORY_FILE})")
    write_bytes(folder / _HISTORY_FILE, history_picture(result.trials))
    if result.importance:
        write_bytes(folder / _IMPORTANCE_FILE, importance_picture(result.importance))
        parts.append(f"![Importance of each field]({_IMPORTANCE_FILE})")
    write_text(folder / TABLE_FILE, "\n\n".join(parts) + "\n")
    if result.recipe is not None and result.best is not None:
        states = [one.state for one in result.trials]
        counts = f"{states.count(FINISHED)} finished, {states.count(PRUNED)} pruned"
        comments = [
            f"The best of a study of {result.corpus}: trial {result.best.number} ({counts}),",
            f"found by `sft-vs-rag tune`; it had its best weights at step {result.best.step}.",
            result.doubt,
        ]
        tuned = {*result.best.parameters, "lora_alpha"}
        if result.recipe.method != "lora":
            tuned.discard("lora_alpha")
        write_text(folder / BEST_FILE, recipe_file(result.recipe, tuned, comments))


def importance_words(result: TuningResult) -> str:
    """Say which field mattered, or why that cannot be said."""
    if result.importance:
        shares = ", ".join(f"{name} {share:.2f}" for name, share in result.importance.items())
        return f"What the finished trials differ by (fANOVA, shares of 1): {shares}."
    finished = sum(one.state == FINISHED for one in result.trials)
    if finished < ENOUGH_FOR_IMPORTANCE:
        return (
            f"Which field matters cannot be said: {finished} trials finished, and it takes "
            f"{ENOUGH_FOR_IMPORTANCE}."
        )
    return "Which field matters cannot be said: all finished trials scored the same."


def _importance(study: optuna.Study) -> dict[str, float]:
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    # fANOVA rather than Optuna's default, which asks for five trials among the best tenth.
    if len(finished) < ENOUGH_FOR_IMPORTANCE or len({one.value for one in finished}) == 1:
        return {}
    try:
        shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    except RuntimeError:  # its trees may find no difference where hardly any is
        return {}
    return shares if all(math.isfinite(share) for share in shares.values()) else {}


def _record(trial: FrozenTrial) -> TrialRecord:
    kept = trial.user_attrs
    # A trial that came to its own end says how long it took.
    died = trial.state is not TrialState.COMPLETE and "minutes" not in kept
    reason = kept.get("reason", "the process ended in it" if died else "")
    step = kept.get("step")
    return TrialRecord(
        number=trial.number,
        state=_STATES[trial.state],
        parameters=dict(trial.params),
        value=kept.get("value"),
        step=None if step is None else int(step),
        minutes=kept.get("minutes"),
        reason=reason,
    )
