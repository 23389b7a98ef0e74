"""A merged model is written only when it says what base and adapter say together."""

import json
from pathlib import Path

import pytest
import torch
from fakes import put_adapter
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import sft.merging
from core.errors import AdapterError
from core.generation import GenerationRequest
from core.language_model import LanguageModel
from core.prompts import build_prompt
from sft.adapters import adapter_fingerprint, read_adapter
from sft.merging import TOLERANCES, merge_adapter
from sft.recipe import Recipe

EXAMPLES = [
    (build_prompt(f"how long is {word} ?", system_prompt="you answer questions ."), answer)
    for word, answer in (("alpha", "8 seconds"), ("beta", "12 seconds"), ("gamma", "red lamp"))
]


@pytest.mark.parametrize("saved_as", ["float32", "bfloat16"])
def test_the_merged_folder_loads_and_answers_as_base_and_adapter(
    tmp_path: Path, tiny_adapter: Path, tiny_model_folder: Path, saved_as: str
) -> None:
    adapter = read_adapter(put_adapter(tmp_path, tiny_adapter, tiny_model_folder))
    out = tmp_path / "merged"
    report = merge_adapter(
        adapter, EXAMPLES, out, base_location=str(tiny_model_folder), saved_as=saved_as
    )
    assert report.merged.tokens == sum(len(answer.split()) + 1 for _, answer in EXAMPLES)
    assert report.merged.largest_difference < 1e-3
    assert report.merged.same_next == 1
    most, least = TOLERANCES[saved_as]
    assert report.saved.largest_difference <= most and report.saved.same_next >= least
    assert json.loads((out / "config.json").read_text())["dtype"] == saved_as
    assert (out / "generation_config.json").is_file() and (out / "README.md").is_file()
    merged = LanguageModel(str(out), tmp_path, device="cpu", dtype="float32")
    tuned = LanguageModel(str(tiny_model_folder), tmp_path, device="cpu", dtype="float32")
    tuned.load_adapter("one", adapter.folder)
    prompts = [prompt for prompt, _ in EXAMPLES]
    got = merged.next_token_logits([GenerationRequest(prompt) for prompt in prompts])
    wanted = tuned.next_token_logits([GenerationRequest(prompt, "one") for prompt in prompts])
    base = tuned.next_token_logits([GenerationRequest(prompt) for prompt in prompts])
    torch.testing.assert_close(got, wanted, atol=most, rtol=0)
    assert (wanted - base).abs().max() > most, "the adapter does something"


def test_the_scale_of_the_recipe_is_merged_too(
    tmp_path: Path, tiny_adapter: Path, tiny_model_folder: Path
) -> None:
    for scale in (0.0, 0.5):
        recipe = Recipe(rank=4, lora_alpha=8, scale=scale)
        folder = put_adapter(
            tmp_path, tiny_adapter, tiny_model_folder, f"scaled{scale}", recipe=recipe
        )
        merge_adapter(
            read_adapter(folder),
            EXAMPLES,
            tmp_path / f"merged{scale}",
            base_location=str(tiny_model_folder),
        )
    base = AutoModelForCausalLM.from_pretrained(tiny_model_folder).state_dict()
    none = AutoModelForCausalLM.from_pretrained(tmp_path / "merged0.0").state_dict()
    half = AutoModelForCausalLM.from_pretrained(tmp_path / "merged0.5").state_dict()
    assert all(torch.equal(tensor, none[name]) for name, tensor in base.items())
    assert any(not torch.equal(tensor, half[name]) for name, tensor in base.items())


def test_a_merged_model_that_differs_is_refused_and_not_there(
    tmp_path: Path, tiny_adapter: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = read_adapter(put_adapter(tmp_path, tiny_adapter, tiny_model_folder))
    plain = sft.merging.PeftModel.from_pretrained

    class Broken:
        """Merges into something else, as quantised or rounded layers do."""

        @staticmethod
        def from_pretrained(*args: object) -> object:
            model = plain(*args)
            model.merge_and_unload = lambda safe_merge: model.unload()
            return model

    monkeypatch.setattr(sft.merging, "PeftModel", Broken)
    with pytest.raises(AdapterError, match=r"is not the adapter: in float32 a logit differs by"):
        merge_adapter(adapter, EXAMPLES, tmp_path / "out", base_location=str(tiny_model_folder))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == []


def test_what_was_saved_is_compared_as_well(
    tmp_path: Path, tiny_adapter: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = read_adapter(put_adapter(tmp_path, tiny_adapter, tiny_model_folder))
    monkeypatch.setitem(TOLERANCES, "bfloat16", (1e-9, 1.0))
    with pytest.raises(AdapterError, match=r"in bfloat16 .* or save in float32"):
        merge_adapter(
            adapter,
            EXAMPLES,
            tmp_path / "out",
            base_location=str(tiny_model_folder),
            saved_as="bfloat16",
        )
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == []


def test_weights_that_are_no_numbers_are_refused(
    tmp_path: Path, tiny_adapter: Path, tiny_model_folder: Path
) -> None:
    folder = put_adapter(tmp_path, tiny_adapter, tiny_model_folder)
    path = folder / "adapter_model.safetensors"
    tensors = {name: tensor * float("nan") for name, tensor in load_file(path).items()}
    save_file(tensors, path)
    adapter = read_adapter(folder)
    made = adapter.manifest.model_copy(update={"sha256": adapter_fingerprint(folder)})
    with pytest.raises(AdapterError, match=r"cannot be merged|is not the adapter"):
        merge_adapter(
            adapter.model_copy(update={"manifest": made}),
            EXAMPLES,
            tmp_path / "out",
            base_location=str(tiny_model_folder),
        )
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there_and_a_strange_dtype_are_refused(
    tmp_path: Path, tiny_adapter: Path, tiny_model_folder: Path
) -> None:
    adapter = read_adapter(put_adapter(tmp_path, tiny_adapter, tiny_model_folder))
    location = str(tiny_model_folder)
    with pytest.raises(AdapterError, match="is there already"):
        merge_adapter(adapter, EXAMPLES, tmp_path, base_location=location)
    with pytest.raises(AdapterError, match="no question to compare"):
        merge_adapter(adapter, [], tmp_path / "out", base_location=location)
    with pytest.raises(AdapterError, match="'int8' cannot be saved in"):
        merge_adapter(adapter, EXAMPLES, tmp_path / "out", base_location=location, saved_as="int8")
