"""Reads a study and writes what it found beside it: table, pictures, best recipe."""

import math
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from core.storage import write_bytes, write_text
from sft.pictures import draw_importances
from sft.recipe import Recipe
from sft.tuning_pictures import history_picture
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
    """Read a study's trials; what mattered is left to `importance`, which takes a moment.

    :param questions: how many validation questions each was measured on.
    """
    trials = study.get_trials(states=tuple(_STATES))
    result = TuningResult(corpus, folder, questions, tuple(_record(trial) for trial in trials))
    if result.best is None:
        return result
    best = next(one for one in trials if one.number == result.best.number)
    return replace(result, recipe=Recipe.model_validate(best.user_attrs["recipe"]))


def write_results(result: TuningResult, *words: str) -> None:
    """Write `trials.md` and `best.toml` into the study's folder.

    :param words: further paragraphs below the table.
    """
    head = f"# Recipes tried on {result.corpus}"
    parts = [head, trials_table(result.trials), result.doubt, *words]
    write_text(result.folder / TABLE_FILE, "\n\n".join(parts) + "\n")
    if result.recipe is None or result.best is None:
        return
    states = [one.state for one in result.trials]
    counts = f"{states.count(FINISHED)} finished, {states.count(PRUNED)} pruned"
    comments = [
        f"The best of a study of {result.corpus}: trial {result.best.number} ({counts}),",
        f"found by `sft-vs-rag tune`; it had its best weights at step {result.best.step}.",
        result.doubt,
    ]
    tuned = set(result.best.parameters)
    if result.recipe.method == "lora":
        tuned.add("lora_alpha")
    write_text(result.folder / BEST_FILE, recipe_file(result.recipe, tuned, comments))


def write_report(result: TuningResult) -> None:
    """Write the table, the best recipe and the two pictures of a study that has come to its end."""
    words = [importance_words(result), f"![Best accuracy of each trial]({_HISTORY_FILE})"]
    write_bytes(result.folder / _HISTORY_FILE, history_picture(result.trials))
    if result.importance:
        title = f"What mattered on {result.corpus}"
        shares = list(result.importance.items())
        draw_importances(shares, result.folder / _IMPORTANCE_FILE, title=title)
        words.append(f"![Importance of each field]({_IMPORTANCE_FILE})")
    write_results(result, *words)


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


def importance(study: optuna.Study) -> dict[str, float]:
    """Share of each tuned field in how the finished trials differ; empty where that is unknown."""
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
