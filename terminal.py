"""What the terminal's commands share: options, the workbench, and how they print.

Results go to standard output, everything else to standard error.
"""

import json
import sys
from collections.abc import Iterable
from typing import Annotated, Any, cast

import typer
from pydantic import BaseModel

from core.errors import ProjectError
from core.records import ARM_NAMES, ArmName
from core.settings import load_settings

Corpus = Annotated[str, typer.Argument(help="A built-in corpus's name or a folder's path.")]
Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document.")]


def open_workbench(*, seed: int | None = None) -> Any:
    """Open the workbench; its imports take a second, and `--help` must be quick."""
    from workbench import Workbench  # noqa: PLC0415  (slow to import)

    return Workbench(load_settings() if seed is None else load_settings(seed=seed))


def arm_names(arms: str) -> list[ArmName]:
    """Read a list of arms, separated by commas.

    :raises ProjectError: when one is unknown or named twice, or none is.
    """
    names = [name.strip() for name in arms.split(",") if name.strip()]
    for name in names:
        if name not in ARM_NAMES:
            raise ProjectError(f"There is no arm {name!r}; the arms are {', '.join(ARM_NAMES)}.")
    if not names or len(set(names)) != len(names):
        raise ProjectError(f"--arms {arms!r}: name each arm once.")
    return cast(list[ArmName], names)


def dumped(records: Iterable[BaseModel]) -> list[Any]:
    """Turn records into what JSON can hold."""
    return [record.model_dump(mode="json") for record in records]


def print_json(value: Any) -> None:
    """Print the one JSON document of a `--json` command."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def done(name: str, word: str, as_json: bool) -> None:
    """Say that something was done to a thing of that name."""
    if as_json:
        print_json({"name": name, "done": word})
    else:
        print(f"{name}: {word}")


def say(text: str) -> None:
    """Report progress or an error."""
    print(text, file=sys.stderr, flush=True)
