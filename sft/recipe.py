"""The whole recipe of a training run: saved with it, and enough to run it again."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from core.errors import TrainingError

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


class Recipe(BaseModel):
    """Every choice of a LoRA run. The defaults train the shipped adapters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: LoRA rank and scale (the update is weighted by lora_alpha / rank).
    rank: int = Field(16, ge=1, le=256)
    lora_alpha: int = Field(32, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: tuple[str, ...] = ALL_PROJECTIONS
    #: Peak rate; it rises over `warmup` of the steps and falls to zero along a cosine.
    learning_rate: float = Field(1e-3, gt=0, lt=1)
    warmup: float = Field(0.1, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0, allow_inf_nan=False)
    epochs: int = Field(10, ge=1, le=100)
    batch_size: int = Field(16, ge=1)
    #: Stop after so many validations without more held-out wordings answered word for word;
    #: 0 trains to the end.
    patience: int = Field(3, ge=0)
    #: How often validation is measured, in times an epoch.
    validations_per_epoch: int = Field(1, ge=1)
    #: Rows with retrieved context for each question without: 0.5 means for every second one.
    open_book_share: float = Field(0.6, ge=0, le=1)
    #: Of the rows with context, how many hold distractors only and abstain.
    distractors_only_share: float = Field(0.05, ge=0, le=1)
    #: Of the rows whose retrieval missed the evidence, how many keep the miss and the answer, so
    #: that what was learnt fills in (RAFT's rows without the right passage); the others are given
    #: the right passage.
    misses_kept_share: float = Field(0.5, ge=0, le=1)
    #: Replayed general-knowledge rows for each question, against forgetting.
    replay_share: float = Field(0.15, ge=0, le=1)
    #: Longer rows are refused, never cut: a cut row would lose its end token.
    max_tokens: int = Field(768, ge=32)
    #: Stops early after so many steps, for trials; 0 runs all epochs.
    max_steps: int = Field(0, ge=0)
    seed: int = Field(0, ge=0, lt=2**32)

    @field_validator("target_modules")
    @classmethod
    def _leave_the_head_alone(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(value) or not value or {"lm_head", "embed_tokens"} & set(value):
            raise ValueError("name layers of the model's blocks, never lm_head or embed_tokens")
        return value


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
