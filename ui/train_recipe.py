"""The recipe as the page asks for it: a few knobs, and every other choice as KEY=VALUE lines."""

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from core.errors import TrainingError
from sft.recipe import Recipe, load_recipe

#: Fields that have a knob of their own, in its order.
KNOBS = ("method", "epochs", "learning_rate", "rank", "open_book_share")
#: Knobs, and what goes with them, that tuning tries by itself.
_TRIED = ("epochs", "learning_rate", "rank", "lora_alpha")


@dataclass(frozen=True)
class Knobs:
    """What the knobs and the box of further choices are set to."""

    method: str
    epochs: float
    #: Empty takes the method's own.
    learning_rate: str
    rank: float
    open_book_share: float
    #: KEY=VALUE, one a line.
    further: str = ""

    def changes(self) -> list[str]:
        """Return what the recipe is to be changed to, checked, as the command takes it.

        A further choice wins over its knob. The scale of LoRA goes with the rank, as in tuning,
        unless it is given.

        :raises TrainingError: a sentence on the first value that cannot be used.
        """
        lines = [line.strip() for line in self.further.splitlines()]
        further = [line for line in lines if line and not line.startswith("#")]
        for line in further:
            if "=" not in line:
                raise TrainingError(f"{line!r} is no choice: write KEY=VALUE, like dropout=0.1.")
        given = {line.partition("=")[0].strip() for line in further}
        set_by_knobs = {
            "method": self.method,
            "epochs": _number(self.epochs),
            "learning_rate": self.learning_rate.strip(),
            "rank": _number(self.rank),
            "lora_alpha": _number(2 * (self.rank or 0)),
            "open_book_share": _number(self.open_book_share),
        }
        made = [f"{key}={value}" for key, value in set_by_knobs.items() if key not in given]
        changes = [one for one in made if one != "learning_rate="] + further
        load_recipe(changes=changes)
        return changes

    def held(self) -> list[str]:
        """Return the changes that tuning leaves alone: all but the knobs it tries itself.

        :raises TrainingError: as `changes`.
        """
        lines = {line.strip() for line in self.further.splitlines()}
        return [
            one for one in self.changes() if one in lines or one.partition("=")[0] not in _TRIED
        ]


def knobs_of(recipe: Recipe) -> Knobs:
    """Turn a recipe into knobs, with all else that differs from the defaults as further lines."""
    defaults = Recipe.model_validate({})
    skipped = {*KNOBS} | ({"lora_alpha"} if recipe.lora_alpha == 2 * recipe.rank else set())
    further = []
    for name in Recipe.model_fields:
        value = getattr(recipe, name)
        if name in skipped or value is None or value == getattr(defaults, name):
            continue
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        further.append(f"{name}={text}")
    rate = "" if recipe.learning_rate is None else f"{recipe.learning_rate:g}"
    return Knobs(
        recipe.method,
        recipe.epochs,
        rate,
        recipe.rank,
        recipe.open_book_share,
        "\n".join(further),
    )


def best_knobs(folder: Path) -> Knobs:
    """Read the best recipe of a study as knobs.

    :raises TrainingError: when there is none yet.
    """
    path = folder / "best.toml"
    if not path.is_file():
        raise TrainingError("No trial has finished yet, so there is no best recipe to use.")
    return knobs_of(load_recipe(path))


@dataclass(frozen=True)
class Choice:
    """A field of the recipe with what its source says of it."""

    group: str
    name: str
    default: str
    words: str


def choices() -> list[Choice]:
    """List every field of the recipe, described by the comments above it in its own file."""
    found: list[Choice] = []
    defaults = Recipe.model_validate({})
    group, words = "", []
    for line in inspect.getsource(Recipe).splitlines():
        text = line.strip()
        name = text.partition(":")[0]
        if text.startswith("# "):
            group = text.removeprefix("# ")
        elif text.startswith("#:"):
            words.append(text.removeprefix("#:").strip())
        elif name in Recipe.model_fields and line.startswith("    ") and line[4] != " ":
            found.append(Choice(group, name, _shown(getattr(defaults, name)), " ".join(words)))
            words = []
    return found


def choices_table() -> str:
    """Make the table of all choices that have no knob."""
    rows, group = [], ""
    for one in choices():
        if one.name in KNOBS:
            continue
        if one.group != group:
            group = one.group
            rows.append(f'<tr><th colspan="3" scope="rowgroup">{escape(group)}</th></tr>')
        rows.append(
            f'<tr><th scope="row"><code>{escape(one.name)}</code></th>'
            f"<td><code>{escape(one.default)}</code></td>"
            f"<td>{escape(one.words).replace('`', '')}</td></tr>"
        )
    return (
        '<div class="train scroll tall" tabindex="0" role="region" aria-label="All choices of a '
        'recipe"><table class="choices"><thead><tr><th scope="col">Choice'
        '</th><th scope="col">Default</th><th scope="col">What it does</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def recipe_words(recipe: Recipe) -> str:
    """Say in a few words what a recipe is."""
    size = f"rank {recipe.rank}" if recipe.method == "lora" else ""
    parts = [
        recipe.method,
        size,
        f"{recipe.epochs} epochs",
        f"rate {recipe.rate:g}",
        f"open-book share {recipe.open_book_share:g}",
    ]
    return ", ".join(part for part in parts if part)


def _number(value: float | None) -> str:
    """Write a knob's number as a recipe takes it: no 10.0 where whole ones are asked for."""
    return "" if value is None else f"{value:g}"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(str(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value)
