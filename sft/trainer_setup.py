"""Sets up the trainer of a run: the model, its arguments, and what is added to its loss."""

import math
from collections.abc import Sequence
from typing import Any

from transformers import PrinterCallback, TrainerCallback

from core.device import computes_in_bfloat16, find_device
from sft.anchor import Anchor
from sft.arguments import trainer_arguments
from sft.job import TrainingJob
from sft.methods import load_base, prepare
from sft.recipe import Recipe
from sft.retention import build_retention
from sft.run_folder import RunFolder
from sft.run_trainer import RunTrainer


def build_trainer(
    job: TrainingJob,
    train_rows: list[dict],
    validation_rows: list[dict],
    *,
    recipe: Recipe,
    device: str,
    tokenizer: Any,
    callbacks: Sequence[TrainerCallback] = (),
) -> RunTrainer:
    """Set up a run: the frozen base with a new adapter, and every choice of the recipe."""
    from datasets import Dataset  # noqa: PLC0415  (slow to import)

    where = find_device(device)
    bfloat16 = computes_in_bfloat16(where)
    base = load_base(job.base_location, recipe, device=where, bfloat16=bfloat16)
    retention = build_retention(
        job.general,
        tokenizer,
        base,
        recipe,
        folder=job.base_answers or job.run_folder,
        base_fingerprint=job.base_fingerprint,
        device=where,
    )
    model = prepare(base, recipe, base_model=job.base_model)
    steps_per_epoch = math.ceil(len(train_rows) / recipe.batch_size)
    every = max(1, steps_per_epoch // recipe.validations_per_epoch)
    arguments = trainer_arguments(
        recipe,
        str(RunFolder(job.run_folder).checkpoints),
        every=every,
        validated=bool(validation_rows),
        device=where,
        bfloat16=bfloat16,
    )
    trainer = RunTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(train_rows),
        eval_dataset=Dataset.from_list(validation_rows) if validation_rows else None,
        processing_class=tokenizer,
        callbacks=list(callbacks),
    )
    trainer.label_smoothing, trainer.retention = recipe.label_smoothing, retention
    if recipe.anchor_weight:
        trainer.anchor = Anchor(trainer.model, recipe.anchor_weight)
    # It prints every log to standard output, which belongs to the command's result.
    trainer.remove_callback(PrinterCallback)
    return trainer
