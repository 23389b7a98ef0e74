"""The terminal's commands about finished runs: report and compare. Neither runs a model."""

from pathlib import Path
from typing import Annotated

import typer

from terminal import Json, open_workbench, print_json, say

Folders = Annotated[list[Path], typer.Argument(help="A run's folder; several make one page.")]
Run = Annotated[Path, typer.Argument(help="A run's folder.")]


def add_to(program: typer.Typer) -> None:
    """Make these commands known to the program."""
    program.command("report")(report)
    program.command("compare")(compare)


def report(
    folders: Folders,
    out: Annotated[Path | None, typer.Option("--out", help="The HTML file to write.")] = None,
) -> None:
    """Make one HTML page of a run, with results.csv and table.md beside the run."""
    written = open_workbench().report(folders, out=out)
    say(f"results.csv and table.md lie in {', '.join(str(folder) for folder in folders)}")
    print(written)


def compare(run_a: Run, run_b: Run, as_json: Json = False) -> None:
    """Compare two runs of the same questions, each arm against itself."""
    from eval.compare import comparison_table  # noqa: PLC0415  (numpy and scipy take a second)

    found = open_workbench().compare(run_a, run_b)
    if as_json:
        print_json(found)
    else:
        print(comparison_table(found))
