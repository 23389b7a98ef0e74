"""What a training run is asked for, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.prompts import PROMPT_VERSION, Prompt
from sft.manifest import AdapterManifest


@dataclass(frozen=True)
class TrainingJob:
    """What a run is about: names and fingerprints for its manifest, and where things go."""

    name: str
    corpus: str
    corpus_fingerprint: str
    base_model: str
    base_fingerprint: str
    #: Folder or hub id the base loads from.
    base_location: str
    run_folder: Path
    adapter_folder: Path
    #: General prompts whose answers are to stay the base's; see `sft.retention`.
    general: tuple[Prompt, ...] = ()
    #: Where the base's answers to them are kept for later runs; None keeps them with this run.
    base_answers: Path | None = None
    #: All accepted answers of the validation questions, by question id.
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: How many rows of each kind it trains on.
    row_counts: Mapping[str, int] = field(default_factory=dict)

    def trained_on(self) -> dict[str, str]:
        """The fields of `sft.manifest.TrainedOn`, with the prompts that are in use."""
        return {
            "name": self.name,
            "corpus": self.corpus,
            "corpus_fingerprint": self.corpus_fingerprint,
            "base_model": self.base_model,
            "base_fingerprint": self.base_fingerprint,
            "prompt_version": PROMPT_VERSION,
        }


@dataclass(frozen=True)
class TrainingResult:
    """How a run went; `curve` has a row for each logged step."""

    manifest: AdapterManifest
    curve: list[dict[str, float]]
