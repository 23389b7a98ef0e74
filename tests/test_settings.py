"""Settings: defaults, then `settings.toml`, then the environment, then the command line."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from core.settings import PROJECT_ROOT, Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, so that no `settings.toml` but the test's is read."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_source_wins_over_the_one_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().port == 7860
    (folder / "settings.toml").write_text("port = 1001\nhost = '0.0.0.0'\nk = 7\n")
    assert load_settings().port == 1001
    monkeypatch.setenv("SFT_VS_RAG_PORT", "1002")
    assert load_settings().port == 1002
    read = load_settings(port=1003)
    assert (read.port, read.host, read.k) == (1003, "0.0.0.0", 7)


def test_the_state_folder_moves_with_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().state == PROJECT_ROOT / "state"
    monkeypatch.setenv("SFT_VS_RAG_STATE", "/mnt/bucket")
    assert load_settings().state == Path("/mnt/bucket")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "seventy"), ("port", "0"), ("port", "65536"), ("k", "0"), ("k", "51"),
        ("max_new_tokens", "0"), ("read_windows", "many"), ("seed", "1.5"),
        ("public_demo", "perhaps"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"SFT_VS_RAG_{name.upper()}", value)
    with pytest.raises(SettingsError, match=rf"The setting {name} .*{value!r}"):
        load_settings()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"port = ", r"settings\.toml cannot be read"),
        (b"host = '\xff'", r"settings\.toml cannot be read"),
        (b"prot = 3", "The setting prot is not usable"),
        (b"port = 'x'", "The setting port is not usable"),
    ],
)
def test_a_settings_file_that_cannot_be_used_is_named(
    folder: Path, content: bytes, message: str
) -> None:
    (folder / "settings.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_settings_do_not_change_once_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_the_tests_see_nobody_s_settings(settings: Settings, tmp_path: Path) -> None:
    assert settings.state.is_relative_to(tmp_path)
    assert (settings.host, settings.port, settings.k) == ("127.0.0.1", 7860, 10)
