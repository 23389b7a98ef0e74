"""The terminal's verbs about training: train, tune, forgetting."""

from pathlib import Path
from typing import Annotated

import typer

from core.errors import TrainingError
from terminal import Corpus, Json, open_workbench, print_json, say


def add_to(program: typer.Typer) -> None:
    """Put the commands into the program."""
    program.command()(train)


def train(
    corpus: Corpus,
    config: Annotated[Path | None, typer.Option(help="A recipe in TOML.")] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE")] = None,
    out: Annotated[str | None, typer.Option(help="The adapter's name.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the newest run that was broken off.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for a training that is going on.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Fine-tune an adapter on a corpus's questions."""
    from sft.recipe import load_recipe  # noqa: PLC0415  (before the model is touched)

    if resume and (config or changes or out):
        raise TrainingError(
            "--resume goes on with the run's own recipe and name: leave out --config, --set, --out."
        )
    recipe = load_recipe(config, changes or [])

    def report(row: dict[str, float]) -> None:
        parts = [f"{name} {value:.4g}" for name, value in row.items() if name not in _STEP_KEYS]
        say(f"step {row['step']}/{row['steps']} {' '.join(parts)}")

    bench = open_workbench()
    if resume:
        result = bench.resume(corpus, wait=wait, report=report)
    else:
        broken_off = bench.unfinished(corpus)
        if broken_off is not None:
            say(
                f"The training {broken_off.name} was broken off ({broken_off.progress()}). This "
                "begins another; `train --resume` goes on with that one, and removing "
                f"{broken_off.path} forgets it."
            )
        result = bench.train(corpus, recipe=recipe, name=out, wait=wait, report=report)
    if as_json:
        print_json({**result.manifest.model_dump(mode="json"), "curve": result.curve})
    else:
        made = result.manifest
        print(f"{made.name}: {made.rows} rows, {made.steps} steps, {made.seconds:.0f} s")
        print("  " + ", ".join(f"{name} {value:.4f}" for name, value in made.scores.items()))
        for line in (made.stopped, made.reading):
            if line:
                print(f"  {line}")


_STEP_KEYS = ("step", "steps", "epoch")
