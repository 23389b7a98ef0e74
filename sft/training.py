"""Trains with TRL's `SFTTrainer` and leaves a run folder and an adapter folder.

The rows arrive tokenised, with labels on the answer and its end token only (see `sft.rows`), so no
template or collator guess of the library decides what is learnt. Rows are grouped by length; the
base is frozen in bfloat16 where the processor computes in it.
"""

import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    EarlyStoppingCallback,
    PrinterCallback,
    TrainerCallback,
    set_seed,
)

from core.device import computes_in_bfloat16, find_device
from core.errors import TrainingError
from core.prompts import PROMPT_VERSION
from core.storage import write_folder, write_json
from sft.adapters import adapter_fingerprint, versions, write_manifest
from sft.arguments import trainer_arguments
from sft.curve import Curve, best_validation
from sft.manifest import AdapterManifest
from sft.methods import prepare, save
from sft.model_card import model_card
from sft.recipe import Recipe
from sft.rows import TrainingRow, tokenise
from sft.supervised_trainer import SupervisedTrainer


@dataclass(frozen=True)
class TrainingJob:
    """What a run is about: names and fingerprints for its manifest, and where things go."""

    name: str
    corpus: str
    corpus_fingerprint: str
    base_model: str
    base_fingerprint: str
    #: Folder or hub id the base loads from.
    base_location: str
    run_folder: Path
    adapter_folder: Path


@dataclass(frozen=True)
class TrainingResult:
    """How a run went; `curve` has a row for each logged step."""

    manifest: AdapterManifest
    curve: list[dict[str, float]]


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

    :param report: called with each row of the curve as it comes, with `steps` in all.
    :raises TrainingError: for unusable rows, a diverging run, or a name that is taken.
    """
    if job.adapter_folder.exists():
        raise TrainingError(
            f"There is already an adapter in {job.adapter_folder}; choose another --out NAME."
        )
    began = time.perf_counter()
    set_seed(recipe.seed)
    tokenizer = AutoTokenizer.from_pretrained(job.base_location)
    train_rows = tokenise(rows, tokenizer, max_tokens=recipe.max_tokens).rows
    validation_rows = (
        tokenise(validation, tokenizer, max_tokens=recipe.max_tokens).rows if validation else []
    )
    job.run_folder.mkdir(parents=True, exist_ok=True)
    write_json(job.run_folder / "recipe.json", recipe.model_dump(mode="json"))
    curve = Curve(job.run_folder / "curve.jsonl", report)
    trainer = build_trainer(
        job,
        train_rows,
        validation_rows,
        recipe=recipe,
        device=device,
        tokenizer=tokenizer,
        callbacks=[curve],
    )
    try:
        outcome = trainer.train()
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"The device ran out of memory; lower batch_size (now {recipe.batch_size})."
        ) from error
    finally:
        shutil.rmtree(job.run_folder / "checkpoints", ignore_errors=True)
    scores = {"train_loss": float(outcome.training_loss), **best_validation(curve.rows)}
    manifests: list[AdapterManifest] = []

    def fill(folder: Path) -> None:
        save(trainer.model, folder)
        manifest = AdapterManifest(
            name=job.name,
            corpus=job.corpus,
            corpus_fingerprint=job.corpus_fingerprint,
            base_model=job.base_model,
            base_fingerprint=job.base_fingerprint,
            prompt_version=PROMPT_VERSION,
            recipe=recipe,
            sha256=adapter_fingerprint(folder),
            versions=versions(),
            rows=len(train_rows),
            steps=int(outcome.global_step),
            seconds=round(time.perf_counter() - began, 1),
            scores={name: round(value, 4) for name, value in scores.items()},
        )
        write_manifest(folder, manifest)
        (folder / "README.md").write_text(model_card(manifest), encoding="utf-8")
        manifests.append(manifest)

    write_folder(job.adapter_folder, fill)
    write_json(job.run_folder / "result.json", manifests[0].model_dump(mode="json"))
    return TrainingResult(manifests[0], curve.rows)


def build_trainer(
    job: TrainingJob,
    train_rows: list[dict],
    validation_rows: list[dict],
    *,
    recipe: Recipe,
    device: str,
    tokenizer: Any,
    callbacks: Sequence[TrainerCallback] = (),
) -> SupervisedTrainer:
    """Set up a run: the frozen base with a new adapter, and every choice of the recipe."""
    from datasets import Dataset  # noqa: PLC0415  (slow to import)

    where = find_device(device)
    bfloat16 = computes_in_bfloat16(where)
    base = AutoModelForCausalLM.from_pretrained(
        job.base_location, dtype=torch.bfloat16 if bfloat16 else torch.float32
    )
    model = prepare(base, recipe, base_model=job.base_model)
    steps_per_epoch = math.ceil(len(train_rows) / recipe.batch_size)
    every = max(1, steps_per_epoch // recipe.validations_per_epoch)
    called = list(callbacks)
    if validation_rows and recipe.patience:
        called.append(EarlyStoppingCallback(early_stopping_patience=recipe.patience))
    arguments = trainer_arguments(
        recipe,
        str(job.run_folder / "checkpoints"),
        every=every,
        validated=bool(validation_rows),
        device=where,
        bfloat16=bfloat16,
    )
    trainer = SupervisedTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(train_rows),
        eval_dataset=Dataset.from_list(validation_rows) if validation_rows else None,
        processing_class=tokenizer,
        callbacks=called,
    )
    # It prints every log to standard output, which belongs to the command's result.
    trainer.remove_callback(PrinterCallback)
    return trainer
