"""The terminal's verbs about training: train, tune, forgetting."""

from pathlib import Path
from typing import Annotated

import typer

from terminal import Corpus, Json, open_workbench, print_json, say


def add_to(program: typer.Typer) -> None:
    """Put the commands into the program."""
    program.command()(train)
    program.command()(tune)


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


def tune(
    corpus: Corpus,
    trials: Annotated[int, typer.Option(min=1, help="Finished trials in all, earlier ones too.")],
    config: Annotated[Path | None, typer.Option(help="The recipe to begin with, in TOML.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE; it is held, not tried.")
    ] = None,
    restart: Annotated[bool, typer.Option(help="Forget the trials so far.")] = False,
    as_json: Json = False,
) -> None:
    """Try recipes on a corpus and save the best; it goes on where it was stopped."""
    from sft.recipe import load_recipe  # noqa: PLC0415  (before the model is touched)

    recipe = load_recipe(config, changes or [])
    held = frozenset(change.partition("=")[0].strip() for change in changes or [])

    def report(row: dict[str, float]) -> None:
        if "eval_loss" in row:
            parts = [f"{name} {row[name]:.4g}" for name in row if name.startswith("eval_")]
            say(f"trial {row['trial']}, step {row['step']}/{row['steps']}: {', '.join(parts)}")

    result = open_workbench().tune(
        corpus, recipe=recipe, trials=trials, held=held, restart=restart, report=report
    )
    if as_json:
        print_json(result.as_json())
        return
    from sft.tuning_report import BEST_FILE, importance_words  # noqa: PLC0415
    from sft.tuning_table import trials_table  # noqa: PLC0415

    print(trials_table(result.trials))
    print(f"\n{result.doubt}\n{importance_words(result)}")
    if result.recipe is not None:
        print(f"Train it: sft-vs-rag train {corpus} --config {result.folder / BEST_FILE}")


_STEP_KEYS = ("step", "steps", "epoch")
