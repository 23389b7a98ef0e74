"""The terminal's verbs about training: train, tune, forgetting."""

from pathlib import Path
from typing import Annotated

import typer

from terminal import Corpus, Json, open_workbench, print_json, say


def add_to(program: typer.Typer) -> None:
    """Put the commands into the program."""
    program.command()(train)
    program.command()(forgetting)


def train(
    corpus: Corpus,
    config: Annotated[Path | None, typer.Option(help="A recipe in TOML.")] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE")] = None,
    out: Annotated[str | None, typer.Option(help="The adapter's name.")] = None,
    measure: Annotated[
        bool, typer.Option("--forgetting/--no-forgetting", help="Measure it afterwards.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Fine-tune an adapter on a corpus's questions."""
    from sft.recipe import load_recipe  # noqa: PLC0415  (before the model is touched)

    recipe = load_recipe(config, changes or [])

    def report(row: dict[str, float]) -> None:
        parts = [f"{name} {value:.4g}" for name, value in row.items() if name not in _STEP_KEYS]
        say(f"step {row['step']}/{row['steps']} {' '.join(parts)}")

    workbench = open_workbench()
    result = workbench.train(corpus, recipe=recipe, name=out, report=report)
    forgot = None
    if measure:
        forgot, _ = workbench.forgetting(corpus, adapter=result.manifest.name, report=_say_how_far)
    if as_json:
        measured = {"forgetting": forgot.model_dump(mode="json")} if forgot else {}
        print_json({**result.manifest.model_dump(mode="json"), "curve": result.curve, **measured})
    else:
        made = result.manifest
        print(f"{made.name}: {made.rows} rows, {made.steps} steps, {made.seconds:.0f} s")
        print("  " + ", ".join(f"{name} {value:.4f}" for name, value in made.scores.items()))
        if forgot:
            print(forgot.told())


def forgetting(
    corpus: Corpus,
    adapter: Annotated[str | None, typer.Option(help="Instead of the active one.")] = None,
    limit: Annotated[int | None, typer.Option(help="A seeded sample of so many.")] = None,
    out: Annotated[Path | None, typer.Option(help="A file to keep it in instead.")] = None,
    as_json: Json = False,
) -> None:
    """Measure what an adapter forgot of general knowledge and plain text, and keep it."""
    measured, path = open_workbench().forgetting(
        corpus, adapter=adapter, limit=limit, out=out, report=_say_how_far
    )
    say(f"written to {path}")
    if as_json:
        print_json(measured.model_dump(mode="json"))
    else:
        print(f"{measured.table()}\n\n{measured.told()}")


def _say_how_far(what: str, done: int, of: int) -> None:
    say(f"{what}: {done}/{of}")


_STEP_KEYS = ("step", "steps", "epoch")
