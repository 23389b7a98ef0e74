"""The terminal's verbs about adapters."""

from typing import Annotated

import typer

from terminal import Corpus, Json, done, dumped, open_workbench, print_json

adapter_program = typer.Typer(help="List, show, remove or activate adapters.", no_args_is_help=True)


def add_to(program: typer.Typer) -> None:
    """Put the commands into the program."""
    program.add_typer(adapter_program, name="adapters")


@adapter_program.command("list")
def list_command(
    corpus: Annotated[str | None, typer.Argument(help="Of this corpus only.")] = None,
    as_json: Json = False,
) -> None:
    """List the adapters."""
    adapters = open_workbench().adapters(corpus)
    if as_json:
        print_json({"adapters": dumped(adapters)})
        return
    for adapter in adapters:
        made = adapter.manifest
        where = "shipped" if adapter.shipped else "trained here"
        print(f"{made.corpus} {made.name}: {where}, on {made.base_model}, {made.rows} rows")


@adapter_program.command("show")
def show_command(corpus: Corpus, name: str, as_json: Json = False) -> None:
    """Show one adapter's manifest."""
    manifest = open_workbench().adapter(corpus, name).manifest.model_dump(mode="json")
    if as_json:
        print_json(manifest)
    else:
        for key, value in manifest.items():
            print(f"{key}: {value}")


@adapter_program.command("activate")
def activate_command(corpus: Corpus, name: str, as_json: Json = False) -> None:
    """Answer with this adapter from now on."""
    adapter = open_workbench().activate(corpus, name)
    done(adapter.manifest.name, "active", as_json)


@adapter_program.command("remove")
def remove_command(corpus: Corpus, name: str, as_json: Json = False) -> None:
    """Delete an adapter that was trained here."""
    adapter = open_workbench().remove(corpus, name)
    done(adapter.manifest.name, "removed", as_json)
