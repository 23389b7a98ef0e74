"""The manifest of an adapter: what it was trained on, how, and how the run went."""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sft.recipe import Recipe

#: What the embedded models are called on the hub.
_HUB_NAMES = {"embedded:smollm2-135m-instruct": "HuggingFaceTB/SmolLM2-135M-Instruct"}


class TrainedOn(BaseModel):
    """What a run and the adapter it makes are about: corpus, base and prompts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    corpus: str
    corpus_fingerprint: str
    base_model: str
    base_fingerprint: str
    prompt_version: str


class AdapterManifest(TrainedOn):
    """What an adapter is: its base, its corpus, its recipe and how the run went."""

    recipe: Recipe
    #: SHA-256 over the weights and PEFT's configuration.
    sha256: str
    versions: dict[str, str]
    rows: int
    steps: int
    seconds: float
    scores: dict[str, float]
    #: The run that made it.
    run: str = ""
    #: A sentence on what the curve shows, and why the run ended before its time; both may be empty.
    reading: str = ""
    stopped: str = ""
    #: Rows that were too long to train on, and how many rows there were of each kind.
    left_out: int = 0
    row_counts: dict[str, int] = {}
    #: Where it was pulled from; empty for one that was trained here.
    origin: str = ""


def hub_name(reference: str) -> str | None:
    """What a base model is called on the hub; None for one that is not there or nobody knows of."""
    if reference in _HUB_NAMES:
        return _HUB_NAMES[reference]
    plain = re.fullmatch(r"[\w][\w.-]*/[\w][\w.-]*", reference) and not Path(reference).exists()
    return reference if plain and not reference.endswith(".gguf") else None
