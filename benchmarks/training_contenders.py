"""The contenders of `training.py`: the project's trainer, TRL's and transformers'."""

import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.trainer_utils import SaveStrategy
from trl import SFTConfig, SFTTrainer

from sft.job import TrainingJob
from sft.recipe import Recipe
from sft.trainer_setup import build_trainer


def alone(contender: str, given: dict[str, Any]) -> dict[str, float]:
    """Train one epoch and measure it.

    :returns: `seconds` of training, and `peak`: the process's bytes (on a GPU, the allocator's).
    """
    rows, location = given["rows"], given["location"]
    with tempfile.TemporaryDirectory() as folder:
        if contender == "shipped":
            trainer = shipped(location, rows, Path(folder), Recipe(epochs=1))
        elif contender == "trainer":
            trainer = plain_trainer(location, rows, folder)
        else:
            trainer = trl_trainer(location, rows, folder, own_shape=contender == "trl-shape")
        trainer.remove_callback(PrinterCallback)
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
    if torch.cuda.is_available():
        return {"seconds": seconds, "peak": torch.cuda.max_memory_allocated()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "peak": peak * (1 if sys.platform == "darwin" else 1024)}


def shipped(
    location: str,
    rows: list[dict[str, Any]],
    place: Path,
    recipe: Recipe,
    callbacks: Sequence[TrainerCallback] = (),
) -> Any:
    """Build the project's own trainer."""
    job = TrainingJob("bench", "bench", "", "bench", "", location, place / "own", place / "out")
    tokenizer = AutoTokenizer.from_pretrained(location)
    trainer = build_trainer(
        job, rows, [], recipe=recipe, device="auto", tokenizer=tokenizer, callbacks=callbacks
    )
    trainer.args.save_strategy = SaveStrategy.NO  # its rivals write no checkpoints either
    return trainer


def plain_trainer(location: str, rows: list[dict[str, Any]], place: str) -> Any:
    """Build transformers' trainer with its defaults on a float32 model with LoRA."""
    model = AutoModelForCausalLM.from_pretrained(location, dtype=torch.float32)
    arguments = TrainingArguments(
        num_train_epochs=1,
        output_dir=place,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    return Trainer(
        model=get_peft_model(model, own_lora()),
        args=arguments,
        train_dataset=plain_columns(rows),
        data_collator=DataCollatorForSeq2Seq(AutoTokenizer.from_pretrained(location)),
    )


def trl_trainer(location: str, rows: list[dict[str, Any]], place: str, *, own_shape: bool) -> Any:
    """Build TRL's trainer with its defaults; with its own LoRA or the shipped recipe's."""
    batch_size = Recipe().batch_size if own_shape else 8
    arguments = SFTConfig(
        num_train_epochs=1,
        per_device_train_batch_size=batch_size,
        output_dir=place,
        use_cpu=not torch.cuda.is_available(),
        dataset_kwargs={"skip_prepare_dataset": True},
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    return SFTTrainer(
        model=location,
        args=arguments,
        train_dataset=plain_columns(rows),
        processing_class=AutoTokenizer.from_pretrained(location),
        peft_config=own_lora() if own_shape else LoraConfig(task_type="CAUSAL_LM"),
    )


def own_lora() -> LoraConfig:
    recipe = Recipe()
    return LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.lora_alpha,
        target_modules=list(recipe.target_modules),
        task_type="CAUSAL_LM",
    )


def plain_columns(rows: list[dict[str, Any]]) -> Dataset:
    return Dataset.from_list(
        [{"input_ids": row["input_ids"], "labels": row["labels"]} for row in rows]
    )
