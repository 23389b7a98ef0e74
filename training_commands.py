"""The terminal's verbs about training: train, tune, forgetting."""

from pathlib import Path
from typing import Annotated

import typer

from terminal import Corpus, Json, open_workbench, print_json, say


def add_to(program: typer.Typer) -> None:
    """Put the commands into the program."""
    program.command()(train)


def train(
    corpus: Corpus,
    config: Annotated[Path | None, typer.Option(help="A recipe in TOML.")] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE")] = None,
    out: Annotated[str | None, typer.Option(help="The adapter's name.")] = None,
    as_json: Json = False,
) -> None:
    """Fine-tune an adapter on a corpus's questions."""
    from sft.recipe import load_recipe  # noqa: PLC0415  (before the model is touched)

    recipe = load_recipe(config, changes or [])

    def report(row: dict[str, float]) -> None:
        parts = [f"{name} {value:.4g}" for name, value in row.items() if name not in _STEP_KEYS]
        say(f"step {row['step']}/{row['steps']} {' '.join(parts)}")

    result = open_workbench().train(corpus, recipe=recipe, name=out, report=report)
    if as_json:
        print_json({**result.manifest.model_dump(mode="json"), "curve": result.curve})
    else:
        made = result.manifest
        print(f"{made.name}: {made.rows} rows, {made.steps} steps, {made.seconds:.0f} s")
        print("  " + ", ".join(f"{name} {value:.4f}" for name, value in made.scores.items()))


_STEP_KEYS = ("step", "steps", "epoch")
