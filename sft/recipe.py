"""The whole recipe of a training run: saved with it, and enough to run it again."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from core.errors import TrainingError
from core.prompts import Form

#: All seven projections of a Llama block. Never `lm_head`: it is tied with the embeddings.
ALL_PROJECTIONS = (
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
)

#: A validation asks so many held-out questions at most: it must cost little.
MOST_ASKED = 128

Method = Literal["lora", "full", "frozen"]
#: PEFT's initialisers of LoRA weights that need nothing but the weights themselves.
Initialiser = Literal["default", "gaussian", "orthogonal", "pissa", "olora"]


class Recipe(BaseModel):
    """Every choice of a run. The defaults train the shipped adapters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # What is trained

    #: `lora` adds small matrices, `full` trains all weights, `frozen` the last blocks only.
    method: Method = "lora"
    #: `chat` tunes on instructions, in the model's chat template; `plain` on questions and answers.
    form: Form = "chat"
    #: LoRA rank and scale (the update is weighted by lora_alpha / rank, or by
    #: lora_alpha / sqrt(rank) with `rslora`).
    rank: int = Field(16, ge=1, le=256)
    lora_alpha: int = Field(32, ge=1)
    rslora: bool = False
    dora: bool = False
    initialiser: Initialiser = "default"
    target_modules: tuple[str, ...] = ALL_PROJECTIONS
    #: The base in 4 bits under the adapter (QLoRA); needs CUDA and the extra `qlora`.
    four_bit: bool = False
    #: How many of the last blocks `frozen` trains.
    trained_blocks: int = Field(8, ge=1)

    # How it is trained

    #: Peak rate; it rises over `warmup` of the steps and falls to zero along a cosine. None takes
    #: the method's own: 1e-3 for LoRA, 1e-4 where the weights themselves are trained.
    learning_rate: float | None = Field(None, gt=0, lt=1)
    warmup: float = Field(0.1, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0, allow_inf_nan=False)
    #: Dropout before the LoRA matrices; `full` and `frozen` put it into the attention instead.
    dropout: float = Field(0.0, ge=0, lt=1)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    #: Noise on the embeddings (NEFTune, Jain et al. 2023; 5 is usual); 0 for none.
    neftune: float = Field(0.0, ge=0, le=100)
    epochs: int = Field(10, ge=1, le=100)
    #: Rows a step, over all processes; they are computed in `accumulation` parts.
    batch_size: int = Field(16, ge=1)
    accumulation: int = Field(1, ge=1)
    #: Several rows in one sequence, kept apart from each other; CUDA only.
    packing: bool = False
    #: Stop after so many validations without more held-out wordings answered right;
    #: 0 trains to the end.
    patience: int = Field(3, ge=0)
    #: How often validation is measured, in times an epoch.
    validations_per_epoch: int = Field(1, ge=1)
    #: Longer rows are left out, counted and reported, never cut: a cut row would lose its answer.
    max_tokens: int = Field(768, ge=32)
    #: Stops early after so many steps, for trials; 0 runs all epochs.
    max_steps: int = Field(0, ge=0)
    seed: int = Field(0, ge=0, lt=2**32)

    # What it is trained on

    #: Rows that state a fact from the documents, for each question.
    statement_share: float = Field(0.0, ge=0, le=5)
    #: Rows that ask a trained question once more in words made by rule, for each question.
    rewording_share: float = Field(0.0, ge=0, le=5)
    #: Chats of several turns on one document, for each question.
    multi_turn_share: float = Field(0.0, ge=0, le=1)
    #: Rows with retrieved context for each question without: 0.5 means for every second one.
    open_book_share: float = Field(0.6, ge=0, le=1)
    #: How many stretches of the documents such a row holds, and the fine-tuned model is given when
    #: it answers; None takes the setting of the same name, which was chosen for the base.
    read_windows: int | None = Field(None, ge=1, le=10)
    #: Of the rows with context, how many get the right passage and a distractor in drawn order.
    distractor_share: float = Field(0.0, ge=0, le=1)
    #: Of the rows with context, how many hold distractors only and abstain.
    distractors_only_share: float = Field(0.05, ge=0, le=1)
    #: Of the rows whose retrieval missed the evidence, how many keep the miss and the answer, so
    #: that what was learnt fills in (RAFT's rows without the right passage); the others are given
    #: the right passage.
    misses_kept_share: float = Field(0.5, ge=0, le=1)
    #: Of the rows with context, how many hold another value in passage and answer alike, so that
    #: what is read counts more than what was learnt (Longpre et al. 2021).
    substituted_share: float = Field(0.0, ge=0, le=1)
    #: Of the rows with context, how many ask, read and answer of another subject, so that only what
    #: is read can answer them.
    other_subject_share: float = Field(0.0, ge=0, le=1)
    #: Replayed general-knowledge rows for each question, against forgetting.
    replay_share: float = Field(0.15, ge=0, le=1)

    # Against forgetting, besides replay

    #: Weight of the divergence to the base on general prompts (see `sft.retention`).
    kl_weight: float = Field(0.0, ge=0, allow_inf_nan=False)
    #: Weight of the distance along a functionally invariant path (Raghavan et al. 2024).
    path_weight: float = Field(0.0, ge=0, allow_inf_nan=False)
    #: Every so many steps the two weights above are applied.
    retention_every: int = Field(4, ge=1)
    #: Weight of the squared distance to the first weights; `full` and `frozen` only.
    anchor_weight: float = Field(0.0, ge=0, allow_inf_nan=False)
    #: What the adapter is multiplied by when it answers; 1 as trained, 0 is the base.
    scale: float = Field(1.0, ge=0, le=2)

    @field_validator("target_modules")
    @classmethod
    def _leave_the_head_alone(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(value) or not value or {"lm_head", "embed_tokens"} & set(value):
            raise ValueError("name layers of the model's blocks, never lm_head or embed_tokens")
        return value

    @property
    def rate(self) -> float:
        """The peak learning rate: the recipe's, else the method's own."""
        return self.learning_rate or (1e-3 if self.method == "lora" else 1e-4)


def load_recipe(config: Path | None = None, changes: Sequence[str] = ()) -> Recipe:
    """Build a recipe: defaults, then a TOML file, then `KEY=VALUE` changes.

    :raises TrainingError: names the file or the change and what is wrong with it.
    """
    values: dict[str, object] = {}
    if config is not None:
        try:
            values.update(tomllib.loads(config.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise TrainingError(f"{config}: is no recipe that can be read ({error}).") from error
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise TrainingError(f"--set {change}: write KEY=VALUE, for example epochs=3.")
        values[key.strip()] = text.split(",") if key.strip() == "target_modules" else text
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        known = ", ".join(Recipe.model_fields)
        raise TrainingError(
            f"The recipe's {field} is not usable: {first['msg']} (given: {first['input']!r}). "
            f"A recipe has: {known}."
        ) from error
