"""The terminal's commands about change and cost."""

from pathlib import Path
from typing import Annotated

import typer

from core.records import ARM_NAMES
from terminal import Corpus, Json, arm_names, open_workbench, print_json, say


def add_to(program: typer.Typer) -> None:
    """Make these commands known to the program."""
    program.command("change")(change)


def change(
    corpus: Corpus,
    revision: Annotated[str, typer.Argument(help="A folder's name below revisions/.")],
    arms: Annotated[str, typer.Option(help="Arms, separated by commas.")] = ",".join(ARM_NAMES),
    limit: Annotated[
        int | None, typer.Option(help="At most so many changed questions, and unchanged ones.")
    ] = None,
    retrain: Annotated[
        bool, typer.Option("--retrain/--no-retrain", help="Train on the new world as well.")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="The retraining's recipe in TOML.")] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE")] = None,
    adapter: Annotated[
        str | None, typer.Option(help="Of the old world, instead of the active one.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of samples and intervals.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder; a test begun there goes on.")] = None,
    as_json: Json = False,
) -> None:
    """Let the world change: sync the index, retrain if asked, and see who answers what."""
    from changing import ChangeTest  # noqa: PLC0415  (loads torch)
    from eval.change_table import change_table  # noqa: PLC0415
    from sft.recipe import load_recipe  # noqa: PLC0415

    if (config or changes) and not retrain:
        raise typer.BadParameter("--config and --set are the retraining's: add --retrain.")
    names = arm_names(arms)
    recipe = load_recipe(config, changes or []) if retrain else None
    test = ChangeTest(names, limit=limit, adapter=adapter, recipe=recipe, out=out)
    result, folder = open_workbench(seed=seed).change(corpus, revision, test, report=say)
    say(f"written to {folder}")
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        print(change_table(result))
