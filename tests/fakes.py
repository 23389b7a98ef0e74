"""Small stand-ins that several tests share."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.corpus.read import Corpus
from core.model_files import find_language_model
from core.prompts import PROMPT_VERSION
from core.records import Question, Wording
from eval.run_files import AskedQuestion, RunInfo, questions_fingerprint
from sft.adapters import adapter_fingerprint, write_manifest
from sft.manifest import AdapterManifest
from sft.recipe import Recipe
from sft.rows import build_rows
from sft.training_row import TrainingRow


class Letters:
    """An encoder of 27 dimensions that counts letters, and keeps what it was asked to encode."""

    def __init__(self, fingerprint: str = "letters-1") -> None:
        self.reference, self.fingerprint = "letters", fingerprint
        self.seen: list[str] = []

    def encode_documents(self, texts: Sequence[str]) -> np.ndarray:
        self.seen += texts
        return self.encode_questions(texts)

    def encode_questions(self, texts: Sequence[str]) -> np.ndarray:
        rows = [[1.0, *(text.lower().count(chr(97 + n)) for n in range(26))] for text in texts]
        vectors = np.array(rows, dtype=np.float32).reshape(len(texts), 27)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def put_adapter(
    state: Path, weights: Path, base: Path, name: str = "mine", **changes: object
) -> Path:
    """Lay an adapter of that base into a state folder as a training run would."""
    folder = state / "adapters" / "tiny" / name
    shutil.copytree(weights, folder)
    config = folder / "adapter_config.json"
    if config.is_file():
        values = {**json.loads(config.read_text()), "base_model_name_or_path": None}
        config.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")
    values = {
        "name": name, "corpus": "tiny", "corpus_fingerprint": "c", "base_model": str(base),
        "base_fingerprint": find_language_model(str(base), state / "models").sha256,
        "prompt_version": PROMPT_VERSION, "recipe": Recipe(rank=4, lora_alpha=8),
        "sha256": adapter_fingerprint(folder), "versions": {}, "rows": 1, "steps": 1,
        "seconds": 1.0, "scores": {"train_loss": 0.5}, **changes,
    }  # fmt: skip
    write_manifest(folder, AdapterManifest.model_validate(values))
    return folder


def four_rows(wording: Wording, recipe: Recipe) -> list[TrainingRow]:
    """Four questions of words that the two-layer model has, closed book."""
    pairs = [
        ("alpha", "8 seconds"),
        ("beta", "12 seconds"),
        ("gamma", "red lamp"),
        ("green", "20 grams"),
    ]
    questions = [Question(id=n, question=f"how long is {n} ?", answers=(a,)) for n, a in pairs]
    return build_rows(questions, wording, contexts={}, recipe=recipe)


def run_info(corpus: Corpus, asked: Sequence[AskedQuestion], **changes: Any) -> RunInfo:
    """What was asked in an evaluation of a corpus's test questions, of `base` unless changed."""
    fields: dict[str, Any] = {
        "corpus": corpus.name, "corpus_title": corpus.name,
        "corpus_fingerprint": corpus.fingerprint, "split": "test", "seed": 0, "limit": None,
        "n": len(asked), "arms": ("base",), "abstain_text": corpus.info.abstain_text,
        "questions_fingerprint": questions_fingerprint(asked), "machine": {"cpus": 2},
        "started": "2026-11-26T00:00:00+00:00", **changes,
    }  # fmt: skip
    everyone = (*fields["arms"], *fields.get("oracles", ()))
    return RunInfo.model_validate({"provenance": {arm: {} for arm in everyone}, **fields})
