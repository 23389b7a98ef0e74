"""The terminal's commands about change and cost."""

from pathlib import Path
from typing import Annotated

import typer

from core.records import ARM_NAMES
from terminal import Corpus, Json, arm_names, open_workbench, print_json, say


def add_to(program: typer.Typer) -> None:
    """Make these commands known to the program."""
    program.command("change")(change)
    program.command("cost")(cost)


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
    from changing import ChangeTest  # noqa: PLC0415  (slow to import)
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


def cost(
    folder: Annotated[Path, typer.Argument(help="Of an evaluation or a change test.")],
    questions: Annotated[int, typer.Option(min=0, max=10**12, help="Questions a month.")] = 10_000,
    revisions: Annotated[float, typer.Option(min=0, max=1e6, help="Revisions a month.")] = 1,
    price_hour: Annotated[float | None, typer.Option(help="An hour of the machine.")] = None,
    price_prompt: Annotated[float | None, typer.Option(help="1,000 prompt tokens.")] = None,
    price_completion: Annotated[float | None, typer.Option(help="1,000 answer tokens.")] = None,
    price_person_hour: Annotated[
        float | None, typer.Option(help="An hour of who words changed facts for training.")
    ] = None,
    minutes_per_fact: Annotated[float | None, typer.Option(help="Of that person.")] = None,
    facts: Annotated[float | None, typer.Option(help="Facts that a revision changes.")] = None,
    arms: Annotated[str | None, typer.Option(help="Only these, separated by commas.")] = None,
    least_accuracy: Annotated[
        float | None, typer.Option(min=0, max=1, help="Only arms right this often, 0 to 1.")
    ] = None,
    measure: Annotated[
        str | None, typer.Option(help="A corpus: time its index and single answers anew.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Work out a month's cost of each arm, and where the cheapest one changes."""
    from pydantic import ValidationError  # noqa: PLC0415

    from eval.cost import Prices  # noqa: PLC0415
    from eval.cost_files import read_summary  # noqa: PLC0415
    from eval.cost_table import chosen_arms, cost_table, cost_told  # noqa: PLC0415

    given = {
        "hour": price_hour,
        "prompt": price_prompt,
        "completion": price_completion,
        "person_hour": price_person_hour,
        "minutes_per_fact": minutes_per_fact,
        "facts_per_revision": facts,
    }
    try:
        prices = Prices.model_validate({k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        raise typer.BadParameter(f"The price {first['loc'][0]}: {first['msg']}.") from error
    names = arm_names(arms) if arms is not None else None
    summary = read_summary(folder)
    measured = open_workbench().cost(folder, measure=measure, report=say)
    kept = chosen_arms(measured, summary, arms=names, least_accuracy=least_accuracy)
    told = cost_told(kept, prices, summary, questions=questions, revisions=revisions)
    if as_json:
        print_json(told)
    else:
        print(cost_table(told))
