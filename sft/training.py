"""Trains with TRL's `SFTTrainer` and leaves a run folder and an adapter folder.

The rows arrive tokenised, with labels on the answer and its end token only (see `sft.rows`), so no
template or collator guess of the library decides what is learnt. Rows are grouped by length; the
base is frozen in bfloat16 where the processor computes in it.

A run that was killed goes on from its last whole checkpoint to the same result: the checkpoint
holds weights, optimiser, schedule, random numbers and curve, and the order of rows follows from
seed and epoch. Everything that decides (the best weights, when to stop) follows from the curve.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, set_seed

from core.errors import TrainingError
from core.storage import write_bytes, write_folder
from sft.adapters import adapter_fingerprint, read_adapter, versions, write_manifest
from sft.checkpoints import Checkpoints, newest_whole
from sft.curve import mean_loss, reading, scores_of
from sft.curve_writer import Curve, DivergenceError
from sft.job import TrainingJob, TrainingResult
from sft.manifest import AdapterManifest
from sft.memory import memory_named
from sft.methods import save
from sft.model_card import model_card
from sft.processes import is_main, wait_for_all
from sft.recipe import Recipe
from sft.retention import check_retention, general_fingerprint
from sft.run_folder import RunFolder, RunRecord, now, read_curve
from sft.run_rows import RunRows, read_rows
from sft.stopping import Stopper, stop_signals
from sft.trainer_setup import build_trainer
from sft.training_row import TrainingRow, tokenise
from sft.validation import held_out

_log = logging.getLogger(__name__)
#: The curve as a picture, in the run's folder and in the adapter's.
_PICTURE = "curve.svg"


def train_adapter(
    job: TrainingJob,
    rows: Sequence[TrainingRow],
    validation: Sequence[TrainingRow],
    *,
    recipe: Recipe,
    device: str = "auto",
    report: Callable[[dict[str, float]], None] = lambda row: None,
) -> TrainingResult:
    """Train an adapter and save it with its manifest and model card.

    Stopped from outside (see `sft.stopping`), the run keeps its best weights and says so.

    :param report: called with each row of the curve as it comes, with `steps` in all.
    :raises TrainingError: for unusable rows, a diverging run, memory that is full, or a name that
        is taken.
    """
    _check_name_is_free(job)
    check_retention(recipe, job.general)
    run = RunFolder(job.run_folder)
    with memory_named(recipe):
        tokenizer = AutoTokenizer.from_pretrained(job.base_location)
        limit = recipe.max_tokens
        tokenised = tokenise(rows, tokenizer, max_tokens=limit)
        for finding in tokenised.findings(max_tokens=limit):
            _log.warning(finding)
        data = RunRows(
            tokenised.rows,
            _validation_rows(validation, tokenizer, limit),
            held_out(validation, tokenizer, job.answers, seed=recipe.seed, max_tokens=limit),
        )
        run.remove_checkpoints()  # of another run that had this name
        if is_main():
            data.write(run.checkpoints)
        record = RunRecord(
            **job.trained_on(),
            started=now(),
            rows=len(data.train),
            validation_rows=len(data.validation),
            row_counts=dict(job.row_counts),
            left_out=len(rows) - len(data.train),
            general=general_fingerprint(recipe, job.general),
        )
        run.begin(recipe, record)
        wait_for_all()
        return _run(job, data, tokenizer, recipe=recipe, device=device, report=report)


def resume_training(
    job: TrainingJob,
    *,
    device: str = "auto",
    report: Callable[[dict[str, float]], None] = lambda row: None,
) -> TrainingResult:
    """Go on with a run that was broken off, from its last whole checkpoint, to the same result.

    Recipe and rows are the run's own.

    :raises TrainingError: when the corpus, the base or the prompts changed since the run began,
        when its files are damaged, and as `train_adapter`.
    """
    run = RunFolder(job.run_folder)
    recipe = run.recipe()
    run.check_goes_on(
        corpus_fingerprint=job.corpus_fingerprint,
        base_fingerprint=job.base_fingerprint,
        general=general_fingerprint(recipe, job.general),
    )
    if job.adapter_folder.exists():
        made = read_adapter(job.adapter_folder).manifest
        if made.run == run.name:  # it was killed after its very last step
            _end(run, made)
            return TrainingResult(made, read_curve(run.curve))
        raise TrainingError(
            f"The run {run.name} cannot go on: there is another adapter {job.name} by now. "
            f"Remove that adapter, or the run's folder {run.path}."
        )
    if is_main():
        run.forget_stop()
    with memory_named(recipe):
        tokenizer = AutoTokenizer.from_pretrained(job.base_location)
        data = read_rows(run.checkpoints)
        return _run(job, data, tokenizer, recipe=recipe, device=device, report=report)


def _run(
    job: TrainingJob,
    data: RunRows,
    tokenizer: Any,
    *,
    recipe: Recipe,
    device: str,
    report: Callable[[dict[str, float]], None],
) -> TrainingResult:
    """Train from the last whole checkpoint, or from the start, and keep the best weights."""
    from sft.pictures import draw_curve  # noqa: PLC0415  (matplotlib is slow to import)

    run = RunFolder(job.run_folder)
    record = run.record()
    found = newest_whole(run.checkpoints)
    begun = time.perf_counter() - (found[1].seconds if found else 0.0)
    curve = Curve(run, report, rows=found[1].curve if found else (), patience=recipe.patience)
    stopper = Stopper(run)
    set_seed(recipe.seed)
    try:
        trainer = build_trainer(
            job,
            data.train,
            data.validation,
            recipe=recipe,
            device=device,
            tokenizer=tokenizer,
            callbacks=[curve, stopper, Checkpoints(run.checkpoints, curve, begun)],
        )
    except TrainingError as error:  # a recipe that does not fit: there is nothing to go on with
        run.end({"ended": "refused", "reason": str(error)})
        run.remove_checkpoints()
        raise
    trainer.questions = data.questions
    step = found[1].step if found else 0
    # The library would train one step more from a checkpoint of the last one.
    if found and (step >= found[1].steps or curve.exhausted):
        trainer.go_to(found[0])
    else:
        try:
            with stop_signals(stopper):
                outcome = trainer.train(resume_from_checkpoint=str(found[0]) if found else None)
        except DivergenceError as error:
            run.note("failed", {"reason": str(error)})
            run.end({"ended": "diverged", "reason": str(error)})
            run.remove_checkpoints()
            raise
        step = int(outcome.global_step)
    kept = trainer.take_best(curve.rows, step)
    scores = {"train_loss": mean_loss(curve.rows), **scores_of(kept)}
    manifests: list[AdapterManifest] = []

    def fill(folder: Path) -> None:
        save(trainer.model, folder, recipe)
        manifest = AdapterManifest(
            **job.trained_on(),
            recipe=recipe,
            sha256=adapter_fingerprint(folder),
            versions=versions(),
            rows=len(data.train),
            steps=step,
            seconds=round(time.perf_counter() - begun, 1),
            scores={name: round(value, 4) for name, value in scores.items()},
            run=run.name,
            stopped=stopper.stopped,
            reading=reading(curve.rows),
            row_counts=record.row_counts,
            left_out=record.left_out,
        )
        write_manifest(folder, manifest)
        (folder / "README.md").write_text(model_card(manifest), encoding="utf-8")
        title = f"{manifest.name} on {manifest.corpus}"
        draw_curve(curve.rows, folder / _PICTURE, title=title, reading=manifest.reading)
        manifests.append(manifest)

    if is_main():
        write_folder(job.adapter_folder, fill)
        write_bytes(run.path / _PICTURE, (job.adapter_folder / _PICTURE).read_bytes())
        _end(run, manifests[0])
    wait_for_all()
    manifest = manifests[0] if manifests else read_adapter(job.adapter_folder).manifest
    return TrainingResult(manifest, curve.rows)


def _validation_rows(
    validation: Sequence[TrainingRow], tokenizer: Any, limit: int
) -> list[dict[str, Any]]:
    """Tokenise what is validated with; rows too long are told, and do not end a run."""
    if not validation:
        return []
    try:
        tokenised = tokenise(validation, tokenizer, max_tokens=limit)
    except TrainingError as error:
        _log.warning(f"Nothing is validated with: {error}")
        return []
    for finding in tokenised.findings(max_tokens=limit):
        _log.warning(f"Of the validation rows: {finding}")
    return tokenised.rows


def _check_name_is_free(job: TrainingJob) -> None:
    if job.adapter_folder.exists():
        raise TrainingError(
            f"There is already an adapter in {job.adapter_folder}; choose another --out NAME."
        )


def _end(run: RunFolder, manifest: AdapterManifest) -> None:
    run.note("end", {"step": manifest.steps, "reading": manifest.reading})
    ended = "stopped" if manifest.stopped else "finished"
    run.end({"ended": ended, **manifest.model_dump(mode="json")})
    run.remove_checkpoints()
