"""Training steps a second: the shipped recipe against fp32 LoRA with TRL's defaults.

Both train the same adapter shape on the same rows in the same batch size, in turns, a few steps at
a time. The rival is `SFTTrainer` on the float32 model with what TRL and transformers choose when
nobody says otherwise (random order, gradient checkpointing, the vocabulary at every position);
then the same without gradient checkpointing. Run with `make bench`.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback
from trl import SFTConfig, SFTTrainer

from contexts import training_rows
from core.model_files import find_language_model
from core.settings import load_settings
from fine_tuning import REPLAY_CORPUS
from sft.recipe import Recipe
from sft.rows import tokenise
from sft.training import TrainingJob, build_trainer
from workbench import Workbench


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default="halden")
    parser.add_argument("--steps", type=int, default=6, help="steps of each, in every turn")
    parser.add_argument("--turns", type=int, default=2)
    given = parser.parse_args()
    settings = load_settings()
    workbench = Workbench(settings)
    corpus = workbench.corpus(given.corpus)
    recipe = Recipe(max_steps=given.steps)
    made = training_rows(
        corpus, workbench.corpus(REPLAY_CORPUS), workbench.library(corpus), recipe=recipe
    )
    location = find_language_model(settings.base_model, settings.state / "models").location
    tokenizer = AutoTokenizer.from_pretrained(location)
    tokenised = tokenise(made.rows, tokenizer, max_tokens=recipe.max_tokens).rows
    seconds: dict[str, float] = {"shipped": 0.0, "defaults": 0.0, "no checkpointing": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(given.turns):
            place = Path(folder) / str(turn)
            trainers = {
                "shipped": shipped(location, tokenised, recipe, place, tokenizer),
                "defaults": library(location, tokenised, recipe, place, tokenizer),
                "no checkpointing": library(
                    location, tokenised, recipe, place, tokenizer, checkpointing=False
                ),
            }
            for name, trainer in trainers.items():
                trainer.remove_callback(PrinterCallback)
                began = time.perf_counter()
                trainer.train()
                seconds[name] += time.perf_counter() - began
    steps = given.steps * given.turns
    print("| training, batches of 16 rows of " + corpus.name + " | steps a second | ratio | goal |")
    print("|---|---|---|---|")
    mine = steps / seconds["shipped"]
    print(f"| the shipped recipe | {mine:.2f} | | |")
    for name, words, goal in (
        ("defaults", "fp32 LoRA, TRL's defaults", "≥ 2"),
        ("no checkpointing", "the same without gradient checkpointing", ""),
    ):
        theirs = steps / seconds[name]
        print(f"| {words} | {theirs:.2f} | {mine / theirs:.2f} × | {goal} |")


def shipped(
    location: str, rows: list[dict[str, Any]], recipe: Recipe, place: Path, tokenizer: Any
) -> Any:
    """Build the project's own trainer."""
    job = TrainingJob("bench", "bench", "", "bench", "", location, place / "own", place / "out")
    return build_trainer(job, rows, [], recipe=recipe, device="auto", tokenizer=tokenizer)


def library(
    location: str,
    rows: list[dict[str, Any]],
    recipe: Recipe,
    place: Path,
    tokenizer: Any,
    *,
    checkpointing: bool = True,
) -> Any:
    """Build TRL's trainer in float32 on the same rows and adapter shape."""
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(location, dtype=torch.float32),
        LoraConfig(
            r=recipe.rank,
            lora_alpha=recipe.lora_alpha,
            target_modules=list(recipe.target_modules),
            task_type="CAUSAL_LM",
        ),
    )
    columns = [{"input_ids": row["input_ids"], "labels": row["labels"]} for row in rows]
    return SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(place / f"trl-{checkpointing}"),
            max_steps=recipe.max_steps,
            per_device_train_batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            gradient_checkpointing=checkpointing,
            bf16=False,
            max_length=None,
            completion_only_loss=False,
            dataset_kwargs={"skip_prepare_dataset": True},
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=torch.cuda.is_available(),
        ),
        train_dataset=Dataset.from_list(columns),
        processing_class=tokenizer,
    )


if __name__ == "__main__":
    main()
