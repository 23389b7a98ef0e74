"""Training: rows a second and memory beside the libraries' defaults, and minutes to an accuracy.

Every contender trains one epoch on the same rows in a process of its own, in turns, so that no
other's memory is counted and noise falls on all alike; loading is not timed. The rivals choose what
their library chooses when nobody says otherwise: batches of 8 in random order, the vocabulary at
every position; TRL also bfloat16 with gradient checkpointing and PEFT's LoRA (r 8 on q and v).

With `--to-accuracy 0.85` instead: the shipped recipe's whole run for each method, asked after each
epoch for the reworded test facts, closed book and greedily, until that share is right. Run with
`make bench`, or by hand for the second part.
"""

import argparse
import contextlib
import gc
import json
import random
import resource
import subprocess
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

from contexts import training_rows
from core.chat import prompt_ids
from core.corpus.read import Corpus
from core.device import computes_in_bfloat16, find_device
from core.model_files import find_language_model
from core.prompts import build_prompt
from core.records import Question
from core.settings import load_settings
from eval.scores import accuracy
from measured_forgetting import REPLAY_CORPUS
from sft.job import TrainingJob
from sft.recipe import Recipe
from sft.rows import TrainingRow, tokenise
from sft.trainer_setup import build_trainer
from workbench import Workbench

#: What each contender is called, and the ratio to reach against it.
CONTENDERS = {
    "shipped": ("the shipped recipe", ""),
    "trl": ("TRL's defaults: bf16, gradient checkpointing, LoRA r 8 on q and v", "≥ 1.8"),
    "trl-shape": ("TRL's defaults with the shipped recipe's LoRA and batch", ""),
    "trainer": ("Trainer's defaults: fp32, the shipped recipe's LoRA", "≥ 2.5"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpus", default="halden")
    parser.add_argument("--rows", type=int, default=64, help="rows that every contender trains on")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--to-accuracy", type=float, help="of the reworded test facts, 0 to 1")
    parser.add_argument("--methods", default="lora,full", help="for --to-accuracy")
    parser.add_argument("--minutes", type=float, default=30, help="of training, for --to-accuracy")
    # A contender's own process.
    parser.add_argument("--alone", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--given", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        print(json.dumps(alone(given.alone, json.loads(given.given.read_text()))))
    elif given.to_accuracy is not None:
        to_accuracy(given.corpus, given.to_accuracy, given.methods.split(","), given.minutes)
    else:
        side_by_side(given.corpus, given.rows, given.turns)


# Beside the libraries


def side_by_side(name: str, count: int, turns: int) -> None:
    """Let the contenders take turns and print their table."""
    workbench, location = opened()
    recipe = Recipe()
    rows = rows_of(workbench, workbench.corpus(name), recipe)
    tokenizer = AutoTokenizer.from_pretrained(location)
    tokenised = tokenise(rows, tokenizer, max_tokens=recipe.max_tokens).rows
    drawn = random.Random(0).sample(tokenised, min(count, len(tokenised)))
    measured: dict[str, list[dict[str, float]]] = {contender: [] for contender in CONTENDERS}
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "given.json"
        given.write_text(json.dumps({"location": location, "rows": drawn}))
        for turn in range(turns):
            for contender in CONTENDERS:
                command = [sys.executable, __file__, "--alone", contender, "--given", str(given)]
                # Its own output is one line at the end; a library may have printed before it.
                output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                measured[contender].append(json.loads(output.stdout.splitlines()[-1]))
                print(f"turn {turn + 1}: {contender} {measured[contender][-1]}", file=sys.stderr)
    tokens = sum(len(row["input_ids"]) for row in drawn)
    supervised = sum(label != -100 for row in drawn for label in row["labels"])
    print(speed_table(name, measured, rows=len(drawn), tokens=tokens))
    print(f"\n{machine()}; {turns} turns, {tokens} tokens in a turn, {supervised} supervised.")


def speed_table(
    corpus: str, measured: dict[str, list[dict[str, float]]], *, rows: int, tokens: int
) -> str:
    columns = "rows a second | tokens a second | peak memory | ratio | goal"
    lines = [f"| {rows} rows of {corpus} | {columns} |", "|---|---|---|---|---|---|"]
    seconds = {name: sum(one["seconds"] for one in turns) for name, turns in measured.items()}
    for name, (words, goal) in CONTENDERS.items():
        turns = len(measured[name])
        rate = [
            f"{count * turns / seconds[name]:.{digits}f}"
            for count, digits in ((rows, 2), (tokens, 0))
        ]
        peak = max(one["peak"] for one in measured[name]) / 2**30
        ratio = "" if name == "shipped" else f"{seconds[name] / seconds['shipped']:.2f} ×"
        lines.append(f"| {words} | {rate[0]} | {rate[1]} | {peak:.2f} GiB | {ratio} | {goal} |")
    return "\n".join(lines)


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


# To an accuracy


def to_accuracy(name: str, goal: float, methods: Sequence[str], minutes: float) -> None:
    """Train by each method until the reworded test facts are answered, and print the course."""
    workbench, location = opened()
    corpus = workbench.corpus(name)
    asked = reworded_facts(corpus)
    tokenizer = AutoTokenizer.from_pretrained(location)
    print(f"| {name}: {len(asked)} reworded facts | epoch | minutes of training | accuracy |")
    print("|---|---|---|---|")
    for method in methods:
        recipe = Recipe.model_validate({"method": method, "patience": 0})
        rows = rows_of(workbench, corpus, recipe)
        examiner = Examiner(corpus, asked, tokenizer, goal=goal, minutes=minutes)
        with tempfile.TemporaryDirectory() as folder:
            tokenised = tokenise(rows, tokenizer, max_tokens=recipe.max_tokens).rows
            trainer = shipped(location, tokenised, Path(folder), recipe, [examiner])
            trainer.train()
        for epoch, seconds, share in examiner.course:
            print(f"| {method} | {epoch} | {seconds / 60:.1f} | {share:.3f} |")
        last = examiner.course[-1]
        reached = f"in {last[1] / 60:.1f} min" if last[2] >= goal else "**not reached**"
        print(f"| {method} to {goal} (goal ≤ 8 min) | {last[0]} | {reached} | {last[2]:.3f} |")
        del trainer
        gc.collect()
    print(f"\n{machine()}. The time of answering is not counted.")


def reworded_facts(corpus: Corpus) -> list[Question]:
    """Test questions for facts that were trained on in other words."""
    exposures = corpus.exposures
    return [
        question
        for question in corpus.of_split("test")
        if question.kind == "fact" and exposures[question.id] == "reworded"
    ]


class Examiner(TrainerCallback):
    """Asks the model in training after each epoch, off the clock, and ends a run that knows."""

    def __init__(
        self,
        corpus: Corpus,
        asked: Sequence[Question],
        tokenizer: Any,
        *,
        goal: float,
        minutes: float,
    ) -> None:
        self.asked, self.tokenizer = asked, tokenizer
        self.goal, self.limit = goal, minutes * 60
        system = corpus.wording.system_prompt
        prompts = [build_prompt(one.question, system_prompt=system) for one in asked]
        self.prompts = [prompt_ids(prompt, tokenizer) for prompt in prompts]
        #: Epoch, seconds of training so far, share of right answers.
        self.course: list[tuple[int, float, float]] = []
        self.trained, self.resumed = 0.0, 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.resumed = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.trained + time.perf_counter() - self.resumed > self.limit:
            # Ends the epoch, so that what was learnt by now is measured.
            control.should_training_stop = control.should_epoch_stop = True

    def on_epoch_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **_: Any
    ) -> None:
        self.trained += time.perf_counter() - self.resumed
        right = [
            accuracy(answer, question.answers)
            for answer, question in zip(self.answers(model), self.asked, strict=True)
        ]
        share = sum(right) / len(right)
        self.course.append((round(state.epoch), self.trained, share))
        print(f"epoch {state.epoch:.0f}, {self.trained:.0f} s: {share:.3f}", file=sys.stderr)
        if share >= self.goal or self.trained > self.limit:
            control.should_training_stop = True
        self.resumed = time.perf_counter()

    def answers(self, model: Any, batch: int = 32) -> list[str]:
        """Answer greedily, closed book, to the end token or the line's end."""
        order = sorted(range(len(self.prompts)), key=lambda index: len(self.prompts[index]))
        texts = [""] * len(order)
        device = model.device
        computing: Any = contextlib.nullcontext()
        if computes_in_bfloat16(find_device("auto")):
            computing = torch.autocast(device.type, dtype=torch.bfloat16)
        model.eval()
        # Not inference mode: autocast may keep its tensors, and they cannot be trained on.
        with torch.no_grad(), torch.random.fork_rng(), computing:
            for first in range(0, len(order), batch):
                chosen = order[first : first + batch]
                padded = self.tokenizer.pad(
                    {"input_ids": [self.prompts[index] for index in chosen]},
                    padding_side="left",
                    return_tensors="pt",
                ).to(device)
                made = model.generate(
                    **padded,
                    do_sample=False,
                    max_new_tokens=64,
                    pad_token_id=self.tokenizer.pad_token_id,
                    eos_token_id=self.tokenizer.eos_token_id,
                )
                for index, ids in zip(chosen, made[:, padded["input_ids"].shape[1] :], strict=True):
                    text = self.tokenizer.decode(ids, skip_special_tokens=True)
                    texts[index] = text.strip().partition("\n")[0]
        model.train()
        return texts


# What both need


def opened() -> tuple[Workbench, str]:
    """Open the workbench, and find where the base model lies."""
    settings = load_settings()
    files = find_language_model(settings.base_model, settings.state / "models")
    return Workbench(settings), files.location


def rows_of(workbench: Workbench, corpus: Corpus, recipe: Recipe) -> list[TrainingRow]:
    """The rows that `train` would train on."""
    made = training_rows(
        corpus,
        workbench.corpus(REPLAY_CORPUS) if recipe.replay_share else None,
        workbench.library(corpus) if corpus.documents and recipe.open_book_share else None,
        recipe=recipe,
    )
    return made.rows


def machine() -> str:
    device = find_device("auto")
    name = (
        torch.cuda.get_device_name()
        if device.type == "cuda"
        else f"{torch.get_num_threads()} threads"
    )
    form = "bfloat16" if computes_in_bfloat16(device) else "float32"
    return f"{name}, {form} on {device.type}, torch {torch.__version__}"


if __name__ == "__main__":
    main()
