"""The one place that reads settings: defaults, `settings.toml`, `SFT_VS_RAG_*`, command line."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from core.errors import ProjectError

#: The checkout this program runs from: built-in corpora and shipped adapters lie in it.
PROJECT_ROOT = Path(__file__).resolve().parent.parent


class SettingsError(ProjectError):
    """A setting has a value that cannot be used."""


class Settings(BaseSettings):
    """Everything that can be set, with its default."""

    model_config = SettingsConfigDict(
        env_prefix="SFT_VS_RAG_", toml_file="settings.toml", frozen=True, extra="forbid"
    )

    #: Where everything written at run time goes.
    state: Path = PROJECT_ROOT / "state"
    #: Language model and encoder, by reference (see `core.model_files`).
    base_model: str = "embedded:smollm2-135m-instruct"
    encoder: str = "embedded:all-minilm-l6-v2"
    #: What computes the encoder: torch, or openvino where that extra is installed.
    encoder_backend: Literal["torch", "openvino"] = "torch"
    #: How the rankings are fused: by weighted scores or by reciprocal ranks.
    fusion: Literal["rrf", "minmax"] = "minmax"
    #: λ of maximal marginal relevance; 1 ranks by relevance alone.
    relevance: float = Field(1.0, ge=0, le=1)
    #: A cross-encoder that reads the best hits again, by hub id or folder; empty for none.
    reranker: str = ""
    #: Whether open-book arms withhold an answer where what was found is too far from the question.
    withhold: bool = True
    #: "auto" finds CUDA, then MPS, then CPU; bf16 only where the processor computes in it.
    device: str = "auto"
    dtype: str = "auto"
    #: Greedy decoding stops at the end token or after this many tokens.
    max_new_tokens: int = Field(64, ge=1, le=1024)
    #: Passages found by the retriever, how many of the best are read, and how many stretches of
    #: them the model is given.
    k: int = Field(10, ge=1, le=50)
    read_from: int = Field(5, ge=1, le=50)
    read_windows: int = Field(1, ge=1, le=10)
    #: What a fine-tuned arm's change is multiplied by: 0 is the base, 1 as trained; None takes the
    #: recipe's `scale`.
    adapter_scale: float | None = Field(None, ge=0, le=2)
    max_question_characters: int = Field(2000, ge=1)
    seed: int = 0
    host: str = "127.0.0.1"
    port: int = Field(7860, ge=1, le=65535)
    public_demo: bool = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources, strongest first."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**overrides: str | int | bool | Path) -> Settings:
    """Read the settings; `overrides` come from the command line and win.

    :raises SettingsError: names the setting and what is wrong with it.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"The setting {name} is not usable: {first['msg']} (given: {first['input']!r}). "
            "Correct it in settings.toml, the SFT_VS_RAG_ environment or the command."
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"settings.toml cannot be read: {error}.") from error
