"""What leaves loads in plain peft; what comes is checked before it is there."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
import torch
from fakes import put_adapter
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from core.errors import AdapterError
from core.generation import GenerationRequest
from core.language_model import LanguageModel
from core.model_files import find_language_model
from core.prompts import build_prompt
from sft.adapters import (
    Adapter,
    adapter_fingerprint,
    adapter_marks,
    check_adapter,
    list_adapters,
    read_adapter,
)
from sft.hub import check_hub_id, download, is_folder, upload
from sft.incoming import TAKEN
from sft.recipe import Recipe
from sft.sharing import Place, export_adapter, pull_adapter, push_to_folder

PROMPT = build_prompt("how long is alpha ?", system_prompt="you answer questions .")


@pytest.fixture
def made(tmp_path: Path, tiny_adapter: Path, tiny_model_folder: Path) -> Adapter:
    return read_adapter(put_adapter(tmp_path / "here", tiny_adapter, tiny_model_folder))


@pytest.fixture
def pushed(tmp_path: Path, made: Adapter, tiny_model_folder: Path) -> Path:
    push_to_folder(made, tmp_path / "repository", base_location=str(tiny_model_folder))
    return tmp_path / "repository"


@pytest.fixture
def place(tmp_path: Path, tiny_model_folder: Path) -> Place:
    """The state of somebody else with the same base."""
    return Place(
        state_folder=tmp_path / "there",
        corpus="tiny",
        corpus_fingerprint="c",
        base_model=str(tiny_model_folder),
        base_fingerprint=find_language_model(str(tiny_model_folder), tmp_path).sha256,
    )


def _logits(model: Any, tokenizer_of: LanguageModel) -> torch.Tensor:
    with torch.inference_mode():
        return model(torch.tensor([tokenizer_of.encode(PROMPT)])).logits[:, -1]


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_plain_peft_loads_what_is_exported(
    tmp_path: Path, tiny_adapter: Path, tiny_model_folder: Path, scale: float
) -> None:
    recipe = Recipe(rank=4, lora_alpha=8, scale=scale)
    folder = put_adapter(tmp_path, tiny_adapter, tiny_model_folder, recipe=recipe)
    out = tmp_path / "out"
    manifest = export_adapter(read_adapter(folder), out, base_location=str(tiny_model_folder))
    base = AutoModelForCausalLM.from_pretrained(tiny_model_folder)
    ours = LanguageModel(str(tiny_model_folder), tmp_path, device="cpu", dtype="float32")
    plain = _logits(PeftModel.from_pretrained(base, str(out)).eval(), ours)
    if scale == 1:
        ours.load_adapter("one", folder)
        wanted = ours.next_token_logits([GenerationRequest(PROMPT, "one")])
        torch.testing.assert_close(plain, wanted, atol=1e-4, rtol=0)
    else:
        half = PeftModel.from_pretrained(
            AutoModelForCausalLM.from_pretrained(tiny_model_folder), str(folder)
        ).eval()
        for module in half.modules():
            if isinstance(module, LoraLayer):
                module.scaling["default"] *= scale
        torch.testing.assert_close(plain, _logits(half, ours), atol=1e-4, rtol=0)
    assert manifest.recipe.scale == 1
    check_adapter(read_adapter(out), base_fingerprint=manifest.base_fingerprint, base_model="x")
    said = "".join(path.read_text() for path in out.iterdir() if path.suffix != ".safetensors")
    assert str(tiny_model_folder.parent) not in said, "nobody learns where the base lay"


def test_the_hub_s_name_of_the_base_is_written_and_its_difference_told(
    tmp_path: Path, tiny_adapter: Path, tiny_model_folder: Path
) -> None:
    folder = put_adapter(
        tmp_path, tiny_adapter, tiny_model_folder, base_model="embedded:smollm2-135m-instruct"
    )
    export_adapter(read_adapter(folder), tmp_path / "out", base_location=str(tiny_model_folder))
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    card = (tmp_path / "out" / "README.md").read_text()
    assert "de-quantised Q4_1" in card and "base_model: HuggingFaceTB/SmolLM2" in card


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_whole_weights_are_exported_with_a_tokenizer_and_load_by_themselves(
    tmp_path: Path,
    made: Adapter,
    tiny_model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    scale: float,
) -> None:
    folder = tmp_path / "whole"
    model = AutoModelForCausalLM.from_pretrained(tiny_model_folder)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    model.save_pretrained(folder)
    recipe = Recipe(method="full", scale=scale)
    manifest = made.manifest.model_copy(update={"recipe": recipe})
    whole = Adapter(manifest=manifest, folder=folder, shipped=False)
    monkeypatch.setattr("sft.sharing.adapter_fingerprint", lambda folder: "f")
    export_adapter(whole, tmp_path / "out", base_location=str(tiny_model_folder))
    assert LanguageModel(str(tmp_path / "out"), tmp_path, device="cpu").tokenizer.chat_template
    written = AutoModelForCausalLM.from_pretrained(tmp_path / "out").state_dict()
    for name, tensor in before.items():
        torch.testing.assert_close(written[name], tensor + scale, atol=1e-5, rtol=0)


def test_pushed_and_pulled_again_it_is_what_was_trained(
    made: Adapter, pushed: Path, place: Place
) -> None:
    got = pull_adapter(pushed, place, origin="someone/desk")
    assert got.folder == place.state_folder / "adapters" / "tiny" / "mine"
    assert got.manifest == made.manifest.model_copy(update={"origin": "someone/desk"})
    check_adapter(got, base_fingerprint=place.base_fingerprint, base_model="x")
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (got.folder / name).read_bytes() == (made.folder / name).read_bytes()


def test_pushing_again_replaces_only_its_own(
    tmp_path: Path, made: Adapter, pushed: Path, tiny_model_folder: Path
) -> None:
    location = str(tiny_model_folder)
    (pushed / "old").write_text("")
    push_to_folder(made, pushed, base_location=location)
    assert not (pushed / "old").exists()
    other = made.model_copy(update={"manifest": made.manifest.model_copy(update={"name": "b"})})
    with pytest.raises(AdapterError, match="holds the adapter mine of tiny"):
        push_to_folder(other, pushed, base_location=location)
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "letter").write_text("dear")
    with pytest.raises(AdapterError, match="mail is no adapter of this project"):
        push_to_folder(made, tmp_path / "mail", base_location=location)
    assert (tmp_path / "mail" / "letter").read_text() == "dear"


def test_a_name_that_is_taken_needs_another(pushed: Path, place: Place) -> None:
    pull_adapter(pushed, place, origin="a/b")
    with pytest.raises(AdapterError, match="already an adapter mine of tiny"):
        pull_adapter(pushed, place, origin="a/b")
    assert pull_adapter(pushed, place, name="other", origin="a/b").manifest.name == "other"


def _change(folder: Path, file: str, /, **values: object) -> None:
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def _pickle(folder: Path) -> None:
    (folder / "adapter_model.bin").write_bytes(b"x")


def _link(folder: Path) -> None:
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to("/etc/hostname")


def _large(folder: Path) -> None:
    with open(folder / "README.md", "wb") as file:
        file.truncate(TAKEN["README.md"] + 1)


def _strange_weights(folder: Path) -> None:
    save_file(
        {"base_model.model.lm_head.weight": torch.ones(2)}, folder / "adapter_model.safetensors"
    )
    base = json.loads((folder / "manifest.json").read_text())["base_model"]
    _change(folder, "adapter_config.json", base_model_name_or_path=f"some/{base}")
    _change(folder, "manifest.json", sha256=adapter_fingerprint(folder))


def _flip(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


BAD: list[tuple[Callable[[Path], object], str]] = [
    (_pickle, "adapter_model.bin: such a file can run code"),
    (_link, "holds the link README.md"),
    (_large, "README.md has 1048577 bytes; the most is 1048576"),
    (_flip, "is damaged"),
    (_strange_weights, "lm_head.weight, which is no LoRA weight"),
    (lambda folder: (folder / "x.py").write_text(""), "x.py, which belongs to no adapter"),
    (lambda folder: (folder / "more").mkdir(), "more, which belongs to no adapter"),
    (lambda folder: (folder / "adapter_config.json").unlink(), "is no adapter: it needs"),
    (lambda folder: (folder / "adapter_config.json").write_text("{"), "is damaged"),
    (lambda folder: (folder / "manifest.json").write_text("{}"), r"cannot be read \(name: Field"),
    (lambda folder: _change(folder, "manifest.json", name="../../up"), "cannot name an adapter"),
    (lambda folder: _change(folder, "manifest.json", name="/up"), "cannot name an adapter"),
    (lambda folder: _change(folder, "manifest.json", recipe={"ranks": 2}), "recipe.ranks: Extra"),
    (lambda folder: _change(folder, "manifest.json", prompt_version="0"), "prompts of version 0"),
    (lambda folder: _change(folder, "manifest.json", base_fingerprint="0" * 64), "not on"),
    (lambda folder: _change(folder, "manifest.json", corpus="x", corpus_fingerprint="d"),
     "was trained on the corpus x, not on tiny"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), BAD)
def test_what_is_wrong_is_named_and_nothing_is_left(
    pushed: Path, place: Place, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(pushed)
    with pytest.raises(AdapterError, match=message):
        pull_adapter(pushed, place, origin="a/b")
    assert (
        list(place.state_folder.rglob("*mine*")) == []
        and list_adapters(place.state_folder, "tiny") == []
    )


def _plain(tmp_path: Path, tiny_adapter: Path, **config: object) -> Path:
    folder = tmp_path / "plain"
    shutil.copytree(tiny_adapter, folder)
    (folder / "tokenizer.json").write_text("{}")
    _change(folder, "adapter_config.json", **config)
    return folder


def test_a_plain_peft_folder_that_names_this_base_is_taken_and_marked(
    tmp_path: Path, tiny_adapter: Path, place: Place
) -> None:
    source = _plain(tmp_path, tiny_adapter)
    got = pull_adapter(source, place, origin="someone/their adapter")
    made = got.manifest
    assert (made.name, made.prompt_version, made.rows) == ("their-adapter", "", 0)
    assert (made.recipe.rank, made.recipe.lora_alpha) == (4, 8)
    assert set(made.recipe.target_modules) == {"q_proj", "v_proj", "down_proj"}
    assert not (got.folder / "tokenizer.json").exists()
    check_adapter(got, base_fingerprint=place.base_fingerprint, base_model="x")
    (mark,) = adapter_marks(
        got, corpus_fingerprint="d", base_fingerprint=place.base_fingerprint, base_model="x"
    )
    assert "not known what prompts" in mark
    model = LanguageModel(place.base_model, tmp_path, device="cpu", dtype="float32")
    model.load_adapter("theirs", got.folder)
    base, tuned = model.next_token_logits(
        [GenerationRequest(PROMPT), GenerationRequest(PROMPT, "theirs")]
    )
    assert not torch.allclose(base, tuned)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"base_model_name_or_path": "some/other"}, "names the base 'some/other'"),
        ({"base_model_name_or_path": None}, "names the base None"),
        ({"peft_type": "PROMPT_TUNING"}, "no LoRA adapter but 'PROMPT_TUNING'"),
        ({"init_lora_weights": "pissa"}, "would change the base"),
        ({"init_lora_weights": {"a": 1}}, "would change the base"),
        ({"megatron_config": {"a": 1}}, "megatron_config"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"layer_replication": [[0, 1]]}, "layer_replication"),
        ({"bias": "all"}, "bias='all'"),
        ({"r": 100_000}, "rank is not usable"),
        ({"target_modules": ["lm_head"]}, "target_modules is not usable"),
    ],
)
def test_a_plain_peft_folder_that_asks_for_more_is_refused(
    tmp_path: Path, tiny_adapter: Path, place: Place, config: dict[str, object], message: str
) -> None:
    with pytest.raises(AdapterError, match=message):
        pull_adapter(_plain(tmp_path, tiny_adapter, **config), place, origin="a/b")
    assert not (place.state_folder / "adapters").exists()


def test_a_folder_and_a_hub_id_are_told_apart(tmp_path: Path) -> None:
    assert is_folder("./a") and is_folder("/a/b") and is_folder("~/a") and is_folder(str(tmp_path))
    assert not is_folder("owner/name")
    check_hub_id("owner/name-1.0_b")
    for wrong in ("name", "a/b/c", "owner/../x", "owner/", "https://x/y", "o/n\n"):
        with pytest.raises(AdapterError, match="neither a folder nor a hub id"):
            check_hub_id(wrong)


def test_without_a_connection_the_hub_is_a_sentence(tmp_path: Path) -> None:
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    with pytest.raises(
        AdapterError, match=r"a/b could not be pulled from \(the hub cannot be reached"
    ):
        download("a/b", tmp_path)
    with pytest.raises(
        AdapterError, match=r"a/b could not be pushed to \(the hub cannot be reached"
    ):
        upload(tmp_path, "a/b", private=True)


class _Hub:
    """A hub of one repository, whose files lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.private, self.status = folder, None, 0

    def create_repo(self, repository: str, *, private: bool, exist_ok: bool) -> None:
        if self.status:
            error = RuntimeError("no")
            error.response = SimpleNamespace(status_code=self.status)  # type: ignore[attr-defined]
            raise error
        self.private = private

    def upload_folder(self, *, repo_id: str, folder_path: Path, commit_message: str) -> None:
        shutil.copytree(folder_path, self.folder)

    def model_info(self, repository: str, *, files_metadata: bool) -> object:
        files = [
            SimpleNamespace(rfilename=one.name, size=one.stat().st_size)
            for one in self.folder.iterdir()
        ]
        return SimpleNamespace(siblings=files, sha="1234")

    def snapshot_download(
        self, repository: str, *, revision: str, local_dir: Path, allow_patterns: list[str]
    ) -> None:
        assert revision == "1234"
        for name in allow_patterns:
            shutil.copyfile(self.folder / name, local_dir / name)


def test_to_the_hub_and_back(
    tmp_path: Path, pushed: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = _Hub(tmp_path / "hub")
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    upload(pushed, "a/b", private=True)
    assert hub.private is True
    (hub.folder / ".gitattributes").write_text("")
    (tmp_path / "down").mkdir()
    download("a/b", tmp_path / "down")
    assert pull_adapter(tmp_path / "down", place, origin="a/b").manifest.origin == "a/b"
    (hub.folder / "training_args.bin").write_bytes(b"")
    with pytest.raises(AdapterError, match=r"a/b holds training_args\.bin"):
        download("a/b", tmp_path / "down")
    for hub.status, message in (
        (401, "hf auth login"),
        (404, "no such repository"),
        (500, "RuntimeError: no"),
    ):
        with pytest.raises(AdapterError, match=message):
            upload(pushed, "a/b", private=False)
