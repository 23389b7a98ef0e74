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
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from training_contenders import alone, shipped
from transformers import AutoTokenizer, TrainerCallback

from core.chat import prompt_ids
from core.corpus.read import Corpus
from core.device import computes_in_bfloat16, find_device
from core.model_files import find_language_model
from core.prompts import build_prompt
from core.records import Question
from core.settings import load_settings
from eval.scores import accuracy
from sft.recipe import Recipe, load_recipe
from sft.training_row import tokenise
from sft.validation import HeldOut, greedy_answers
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
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change the recipe of --to-accuracy, for example epochs=4",
    )
    # A contender's own process.
    parser.add_argument("--alone", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--given", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        print(json.dumps(alone(given.alone, json.loads(given.given.read_text()))))
    elif given.to_accuracy is not None:
        to_accuracy(
            given.corpus,
            given.to_accuracy,
            given.methods.split(","),
            minutes=given.minutes,
            changes=given.set,
        )
    else:
        side_by_side(given.corpus, given.rows, given.turns)


# Beside the libraries


def side_by_side(name: str, count: int, turns: int) -> None:
    """Let the contenders take turns and print their table."""
    workbench, location = opened()
    recipe = Recipe()
    rows = workbench.rows(workbench.corpus(name), recipe).rows
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


# To an accuracy


def to_accuracy(
    name: str, goal: float, methods: Sequence[str], *, minutes: float, changes: Sequence[str]
) -> None:
    """Train by each method until the reworded test facts are answered, and print the course."""
    workbench, location = opened()
    corpus = workbench.corpus(name)
    asked = reworded_facts(corpus)
    tokenizer = AutoTokenizer.from_pretrained(location)
    print(f"| {name}: {len(asked)} reworded facts | epoch | minutes of training | accuracy |")
    print("|---|---|---|---|")
    for method in methods:
        recipe = load_recipe(None, [*changes, f"method={method}", "patience=0"])
        rows = workbench.rows(corpus, recipe).rows
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
        self.questions = [
            HeldOut(prompt_ids(prompt, tokenizer), prompt.answer_prefix, tuple(one.answers), 0)
            for prompt, one in zip(prompts, asked, strict=True)
        ]
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

    def answers(self, model: Any) -> list[str]:
        """Answer greedily, closed book, with the decoding of the arms."""
        computing: Any = contextlib.nullcontext()
        if computes_in_bfloat16(find_device("auto")):
            computing = torch.autocast(model.device.type, dtype=torch.bfloat16)
        with computing:
            return greedy_answers(model, self.questions, self.tokenizer, max_new_tokens=64)


# What both need


def opened() -> tuple[Workbench, str]:
    """Open the workbench, and find where the base model lies."""
    settings = load_settings()
    files = find_language_model(settings.base_model, settings.state / "models")
    return Workbench(settings), files.location


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
