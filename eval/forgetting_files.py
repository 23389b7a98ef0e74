"""Where measured forgetting is kept: beside its adapter, or in the state folder for shipped ones.

It is no part of an adapter's fingerprint, and holds for one adapter, base and prompt version only.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from core.records import Answerer, Record
from core.storage import fingerprint_text, write_json, write_text
from eval.forgetting import Forgetting, Probe, Report, ask_probe

FORGETTING_FILE = "forgetting.json"
_CARD = "README.md"
_SECTION = re.compile(r"\n*<!-- forgetting -->.*?<!-- /forgetting -->\n?", re.DOTALL)


class Weights(NamedTuple):
    """Of which weights, over which base, asked with which prompts, a measurement holds.

    `adapter` is as provenance names it, with the scale where it answers at another than trained.
    """

    adapter: str
    adapter_fingerprint: str
    base_fingerprint: str
    prompt_version: str


class BaseAnswers(Record):
    """What the base answered, by question id: asked once, used for every adapter of it."""

    base_fingerprint: str
    prompt_version: str
    decoding: str
    probe_fingerprint: str
    answers: dict[str, str]


def base_answers(
    answerer: Answerer, probe: Probe, state_folder: Path, *, report: Report
) -> dict[str, str]:
    """Ask the base, or read what it answered before to the same questions in the same words."""
    made = answerer.provenance("base")
    names = [question.id for question in probe.questions]
    kept = BaseAnswers(
        base_fingerprint=made.base_fingerprint,
        prompt_version=made.prompt_version,
        decoding=made.decoding,
        probe_fingerprint=probe.corpus.fingerprint,
        answers={},
    )
    # Which questions are asked together can change an answer in bfloat16, so they count too.
    key = fingerprint_text(kept.model_dump_json(), *names)[:16]
    path = state_folder / "forgetting" / f"base-{key}.json"
    try:
        found = BaseAnswers.model_validate_json(path.read_text(encoding="utf-8"))
        if set(found.answers) == set(names):
            return found.answers
    except (OSError, ValueError):  # none yet, or one that cannot be read: ask
        pass
    answers = ask_probe(answerer, probe, "base", report=report)
    write_json(path, kept.model_copy(update={"answers": answers}).model_dump(mode="json"))
    return answers


def card_beside(path: Path, folder: Path) -> Path | None:
    """The model card that tells a measurement kept in `path`: the adapter's own, if it is there."""
    return folder / _CARD if path.resolve().parent == folder.resolve() else None


def forgetting_path(folder: Path, state_folder: Path, *, shipped: bool) -> Path:
    """Where the forgetting of the adapter in `folder` (…/<corpus>/<name>) is kept."""
    return _in_state(folder, state_folder) if shipped else folder / FORGETTING_FILE


def write_forgetting(path: Path, forgetting: Forgetting, *, card: Path | None = None) -> None:
    """Keep a measurement, and tell it in the adapter's model card where there is one.

    :raises StorageError: when the disk refuses.
    """
    write_json(path, forgetting.model_dump(mode="json"))
    if card is not None and card.is_file():
        text = card.read_text(encoding="utf-8")
        write_text(card, with_forgetting(text, forgetting))


def with_forgetting(card: str, forgetting: Forgetting) -> str:
    """A model card with its section on forgetting put in, or replaced by a newer one."""
    before = _SECTION.sub("\n", card).rstrip("\n")
    return (
        f"{before}\n\n<!-- forgetting -->\n## What it forgot\n\n{forgetting.told()}\n\n"
        f"{forgetting.table()}\n<!-- /forgetting -->\n"
    )


def weights_of(found: Forgetting) -> Weights:
    """What a measurement was made of."""
    return Weights(
        found.adapter, found.adapter_fingerprint, found.base_fingerprint, found.prompt_version
    )


def read_forgetting(folder: Path, state_folder: Path, weights: Weights) -> Forgetting | None:
    """Read what was measured of the adapter in `folder`: the state folder's first.

    :returns: None when nothing was, or only of other weights or with other prompts.
    """
    for found in _measured(folder, state_folder):
        if weights_of(found) == weights:
            return found
    return None


def forgetting_line(folder: Path, state_folder: Path, weights: Weights, *, corpus: str) -> str:
    """Say in one line what was measured of an adapter, or that it has to be measured."""
    found = read_forgetting(folder, state_folder, weights)
    if found is not None:
        return found.told()
    again = f"run `sft-vs-rag forgetting {corpus} --adapter {folder.name}`."
    if _measured(folder, state_folder):
        return f"Forgetting was measured of other weights, scale or prompts: {again}"
    return f"Forgetting was not measured yet: {again}"


def _measured(folder: Path, state_folder: Path) -> list[Forgetting]:
    found = []
    for path in (_in_state(folder, state_folder), folder / FORGETTING_FILE):
        try:
            found.append(Forgetting.model_validate(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, ValidationError):
            continue  # none, or one that cannot be read: it can be measured again
    return found


def _in_state(folder: Path, state_folder: Path) -> Path:
    return state_folder / "forgetting" / folder.parent.name / f"{folder.name}.json"
