"""Trains a LoRA adapter with TRL's `SFTTrainer` and leaves a run folder and an adapter folder.

The rows arrive tokenised, with labels on the answer and its end token only (see `sft.rows`), so no
template or collator guess of the library decides what is learnt. Rows are grouped by length; the
base is frozen in bfloat16 where the processor computes in it.
"""

import json
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    EarlyStoppingCallback,
    PrinterCallback,
    TrainerCallback,
    set_seed,
)
from trl import SFTConfig

from core.device import computes_in_bfloat16, find_device
from core.errors import TrainingError
from core.prompts import PROMPT_VERSION
from core.storage import append_line, write_folder, write_json
from sft.adapters import adapter_fingerprint, versions, write_manifest
from sft.manifest import AdapterManifest
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


class _Curve(TrainerCallback):
    """Appends every logged loss to the run's `curve.jsonl` and tells the caller."""

    def __init__(self, path: Path, report: Callable[[dict[str, float]], None]) -> None:
        self.path, self.report = path, report
        self.rows: list[dict[str, float]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Keep what a curve needs of the trainer's log."""
        kept = ("loss", "eval_loss", "eval_exact", "learning_rate", "grad_norm")
        row = {key: float(logs[key]) for key in kept if key in logs}
        if not row:
            return
        if any(not math.isfinite(value) for value in row.values()):
            raise TrainingError(
                f"Training diverged at step {state.global_step} ({row}); "
                "lower learning_rate and train again."
            )
        row = {"step": state.global_step, "epoch": round(float(state.epoch or 0), 3), **row}
        self.rows.append(row)
        append_line(self.path, row)
        self.report({**row, "steps": state.max_steps})


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
    train_rows = tokenise(rows, tokenizer, max_tokens=recipe.max_tokens)
    validation_rows = (
        tokenise(validation, tokenizer, max_tokens=recipe.max_tokens) if validation else []
    )
    job.run_folder.mkdir(parents=True, exist_ok=True)
    write_json(job.run_folder / "recipe.json", recipe.model_dump(mode="json"))
    curve = _Curve(job.run_folder / "curve.jsonl", report)
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
    scores = {"train_loss": float(outcome.training_loss), **_best_validation(curve.rows)}
    manifests: list[AdapterManifest] = []

    def fill(folder: Path) -> None:
        _save_half_precision(trainer.model, folder)
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
            rows=len(rows),
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
    # The adapter's own weights stay in float32: bfloat16 would round small updates away.
    lora = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.dropout,
        target_modules=list(recipe.target_modules),
        task_type="CAUSAL_LM",
    )
    layers = [name for name, _ in base.named_modules()]
    for wanted in recipe.target_modules:
        # PEFT passes over a mistyped name as long as another one fits.
        if not any(f".{name}".endswith(f".{wanted}") for name in layers):
            raise TrainingError(f"{job.base_model} has no layer {wanted!r}; see target_modules.")
    try:
        model = get_peft_model(base, lora)
    except ValueError as error:  # a layer that LoRA cannot be put on
        reason = str(error).splitlines()[0]
        raise TrainingError(f"The recipe's target_modules are not usable: {reason}") from error
    steps_per_epoch = math.ceil(len(train_rows) / recipe.batch_size)
    every = max(1, steps_per_epoch // recipe.validations_per_epoch)
    called = list(callbacks)
    if validation_rows and recipe.patience:
        called.append(EarlyStoppingCallback(early_stopping_patience=recipe.patience))
    arguments = SFTConfig(
        output_dir=str(job.run_folder / "checkpoints"),
        num_train_epochs=recipe.epochs,
        max_steps=recipe.max_steps or -1,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=32,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        max_length=None,
        completion_only_loss=False,  # the labels column says it, token by token
        gradient_checkpointing=False,  # it only slows a model this small
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        bf16=bfloat16,
        use_cpu=where.type == "cpu",
        dataloader_pin_memory=where.type == "cuda",
        seed=recipe.seed,
        data_seed=recipe.seed,
        logging_steps=max(1, every // 8),
        eval_strategy="steps" if validation_rows else "no",
        eval_steps=every,
        save_strategy="steps" if validation_rows else "no",
        save_steps=every,
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=bool(validation_rows),
        metric_for_best_model="eval_exact" if validation_rows else None,
        greater_is_better=True if validation_rows else None,
        logging_nan_inf_filter=False,  # a loss that is no number must be seen, not skipped
        prediction_loss_only=True,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=True,
        dataset_kwargs={"skip_prepare_dataset": True},
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


def _best_validation(curve: Sequence[dict[str, float]]) -> dict[str, float]:
    """Both validation figures of the step whose weights were kept; none without validation."""
    measured = [row for row in curve if "eval_exact" in row]
    if not measured:
        return {}
    best = max(measured, key=lambda row: row["eval_exact"])
    return {"validation_exact": best["eval_exact"], "validation_loss": best["eval_loss"]}


def _save_half_precision(model: Any, folder: Path) -> None:
    """Save the adapter in bfloat16: half the size, and the precision it is used in."""
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    model.save_pretrained(folder)
    path = folder / "adapter_model.safetensors"
    weights = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})
    config = folder / "adapter_config.json"
    values = json.loads(config.read_text(encoding="utf-8"))
    # Where the base lay on the machine that trained is nobody's business and true nowhere else.
    values["base_model_name_or_path"] = None
    config.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
