"""How the terminal prints: results on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel


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
