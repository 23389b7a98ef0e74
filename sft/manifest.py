"""The manifest of an adapter: what it was trained on, how, and how the run went."""

from pydantic import BaseModel, ConfigDict

from sft.recipe import Recipe


class AdapterManifest(BaseModel):
    """What an adapter is: its base, its corpus, its recipe and how the run went."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    corpus: str
    corpus_fingerprint: str
    base_model: str
    base_fingerprint: str
    prompt_version: str
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
    #: Where it was stopped from outside; "" for a run that went to its end.
    stopped: str = ""
    #: What the curve shows, in a sentence.
    reading: str = ""
