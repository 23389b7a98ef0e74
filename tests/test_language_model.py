"""One copy of the weights, any adapter a row, and never a neighbour's."""

import json
import shutil
import threading
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from core.errors import AdapterError, ModelError
from core.generation import GenerationRequest
from core.language_model import LanguageModel
from core.prompts import Prompt, build_prompt

TEXTS = (
    "how long is the reset button of alpha ?",
    "what does the beta router weigh in grams please tell me how many grams beta weighs",
    "is the lamp red or green ?",
    "how many months of warranty for gamma ?",
)


def _requests(adapter: str | None = None) -> list[GenerationRequest]:
    return [GenerationRequest(build_prompt(text), adapter) for text in TEXTS]


@pytest.fixture
def tuned(tiny_model: LanguageModel, tiny_adapter: Path) -> str:
    tiny_model.load_adapter("tuned", tiny_adapter)
    return "tuned"


def _library_text(model: LanguageModel, prompt: Prompt, adapter: Path | None, most: int) -> str:
    """What transformers' own greedy generation answers, one prompt at a time."""
    fresh = LlamaForCausalLM.from_pretrained(model.location, dtype=torch.float32)
    if adapter is not None:
        fresh = PeftModel.from_pretrained(fresh, str(adapter))
    ids = torch.tensor([model.encode(prompt)])
    made = fresh.eval().generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=most,
        pad_token_id=2,
    )
    text = model.tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
    return str(text).strip().split("\n")[0].strip()


def test_a_batch_answers_as_transformers_does_one_by_one(tiny_model: LanguageModel) -> None:
    answers = tiny_model.generate(_requests(), max_new_tokens=12)
    for text, answer in zip(TEXTS, answers, strict=True):
        assert answer.text == _library_text(tiny_model, build_prompt(text), None, 12)
    assert len({answer.text for answer in answers}) > 1


def test_a_mixed_batch_answers_as_each_adapter_alone(
    tiny_model: LanguageModel, tuned: str, tiny_adapter: Path
) -> None:
    mixed = [GenerationRequest(build_prompt(t), a) for t in TEXTS for a in (None, tuned)]
    answers = tiny_model.generate(mixed, max_new_tokens=12)
    for index, text in enumerate(TEXTS):
        prompt = build_prompt(text)
        assert answers[2 * index].text == _library_text(tiny_model, prompt, None, 12)
        assert answers[2 * index + 1].text == _library_text(tiny_model, prompt, tiny_adapter, 12)


def test_the_stream_ends_with_what_a_batch_gives(tiny_model: LanguageModel, tuned: str) -> None:
    requests = [*_requests(), *_requests(tuned)]
    last = {}
    for index, generation in tiny_model.stream(requests, max_new_tokens=10):
        if index in last:
            assert not last[index].finished, "a finished row moved"
            assert generation.completion_tokens >= last[index].completion_tokens
        last[index] = generation
    whole = tiny_model.generate(requests, max_new_tokens=10)
    assert [last[index].text for index in range(len(requests))] == [one.text for one in whole]
    assert all(one.finished for one in last.values())
    assert all(0 < one.first_token_seconds <= one.seconds for one in last.values())


def test_the_most_new_tokens_are_kept_to(tiny_model: LanguageModel) -> None:
    for most in (1, 3):
        answers = tiny_model.generate(_requests(), max_new_tokens=most)
        assert all(answer.completion_tokens <= most for answer in answers)


def test_every_end_token_that_the_files_name_ends_an_answer(
    tiny_model: LanguageModel, tiny_model_folder: Path, tmp_path: Path
) -> None:
    request = GenerationRequest(build_prompt(TEXTS[0]))
    ids = torch.tensor([tiny_model.encode(request.prompt)])
    plain = LlamaForCausalLM.from_pretrained(tiny_model_folder).eval()
    made = plain.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=12,
        pad_token_id=2,
    )[0, ids.shape[1] :].tolist()
    place = next(i for i, token in enumerate(made) if i and token not in made[:i])
    folder = shutil.copytree(tiny_model_folder, tmp_path / "copy")
    named = json.loads((folder / "generation_config.json").read_text())
    named["eos_token_id"] = [2, made[place]]
    (folder / "generation_config.json").write_text(json.dumps(named))
    model = LanguageModel(str(folder), tmp_path, device="cpu", dtype="float32")
    (cut,) = model.generate([request], max_new_tokens=12)
    assert cut.completion_tokens == place < len(made), "the end token is not part of the answer"
    assert cut.finished
    assert tiny_model.generate([request], max_new_tokens=12)[0].completion_tokens > place


def test_no_requests_have_no_answers(tiny_model: LanguageModel) -> None:
    assert tiny_model.generate([], max_new_tokens=4) == []


def test_an_unknown_adapter_is_an_error_before_anything_is_answered(
    tiny_model: LanguageModel,
) -> None:
    with pytest.raises(AdapterError, match="No adapter 'nobody' is loaded"):
        tiny_model.generate(_requests("nobody"), max_new_tokens=2)


def test_a_prompt_beyond_the_context_is_refused(tiny_model: LanguageModel) -> None:
    with pytest.raises(ModelError, match="more than the 512"):
        tiny_model.generate([GenerationRequest(build_prompt("how long " * 400))], max_new_tokens=2)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="is no model folder"):
        LanguageModel(str(tmp_path), tmp_path / "models")


def test_unloading_gives_the_base_back(
    tiny_model_folder: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    model = LanguageModel(str(tiny_model_folder), tmp_path, device="cpu", dtype="float32")
    before = model.next_token_logits(_requests())
    model.load_adapter("once", tiny_adapter)
    tuned = model.next_token_logits(_requests("once"))
    assert not torch.allclose(before, tuned, atol=1e-3)
    model.unload_adapter("once")
    assert torch.equal(model.next_token_logits(_requests()), before), "bit for bit"
    with pytest.raises(AdapterError, match="is loaded"):
        model.next_token_logits(_requests("once"))


def test_an_adapter_that_does_not_load_says_so(tiny_model: LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="does not load"):
        tiny_model.load_adapter("broken", tmp_path)


@pytest.mark.parametrize("loaded_before", [False, True])
@pytest.mark.parametrize("damage", ["shape", "truncated", "configuration", "layer"])
def test_an_adapter_that_fails_half_way_leaves_no_trace(
    tiny_model_folder: Path, tiny_adapter: Path, tmp_path: Path, damage: str, loaded_before: bool
) -> None:
    model = LanguageModel(str(tiny_model_folder), tmp_path, device="cpu", dtype="float32")
    base = model.next_token_logits(_requests())
    if loaded_before:
        model.load_adapter("other", tiny_adapter)
    bad = shutil.copytree(tiny_adapter, tmp_path / "bad")
    weights = load_file(bad / "adapter_model.safetensors")
    if damage == "shape":
        last = next(name for name in weights if "layers.1" in name and "down_proj.lora_B" in name)
        save_file({**weights, last: torch.zeros(7, 4)}, bad / "adapter_model.safetensors")
    elif damage == "truncated":
        (bad / "adapter_model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{")
    elif damage == "configuration":
        (bad / "adapter_config.json").write_text("{")
    else:
        config = json.loads((bad / "adapter_config.json").read_text())
        config["target_modules"] = ["no_such_layer"]
        (bad / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(AdapterError, match="does not load"):
        model.load_adapter("tuned", bad)
    assert model.adapters == (("other",) if loaded_before else ())
    assert torch.equal(model.next_token_logits(_requests()), base)
    with pytest.raises(AdapterError, match="No adapter 'tuned' is loaded"):
        model.next_token_logits(_requests("tuned"))
    model.load_adapter("tuned", tiny_adapter)
    whole = LanguageModel(str(tiny_model_folder), tmp_path, device="cpu", dtype="float32")
    whole.load_adapter("tuned", tiny_adapter)
    assert torch.equal(
        model.next_token_logits(_requests("tuned")), whole.next_token_logits(_requests("tuned"))
    )
    model.unload_adapter("tuned")
    assert torch.equal(model.next_token_logits(_requests()), base)


def test_a_name_stands_for_one_folder(
    tiny_model_folder: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    model = LanguageModel(str(tiny_model_folder), tmp_path, device="cpu", dtype="float32")
    model.load_adapter("tuned", tiny_adapter)
    model.load_adapter("tuned", tiny_adapter)
    with pytest.raises(AdapterError, match="'tuned' already stands for"):
        model.load_adapter("tuned", tmp_path)
    with pytest.raises(AdapterError, match="No adapter 'other' is loaded"):
        model.unload_adapter("other")


def test_token_losses_are_the_cross_entropy_of_the_completion(tiny_model: LanguageModel) -> None:
    prompt, completion = build_prompt(TEXTS[0]), "hold for 8 seconds"
    start = tiny_model.encode(prompt)
    wanted = [*tiny_model.tokenizer(completion, add_special_tokens=False)["input_ids"], 2]
    plain = LlamaForCausalLM.from_pretrained(tiny_model.location, dtype=torch.float32).eval()
    with torch.no_grad():
        logits = plain(torch.tensor([start + wanted])).logits[0].log_softmax(-1)
    by_hand = [-logits[len(start) - 1 + i, token].item() for i, token in enumerate(wanted)]
    assert tiny_model.token_losses(prompt, completion) == pytest.approx(by_hand, abs=1e-4)


def test_an_adapter_s_token_losses_are_its_own(
    tiny_model: LanguageModel, tuned: str, tiny_adapter: Path
) -> None:
    prompt, completion = build_prompt(TEXTS[0]), "hold for 8 seconds"
    start = tiny_model.encode(prompt)
    wanted = [*tiny_model.tokenizer(completion, add_special_tokens=False)["input_ids"], 2]
    fresh = LlamaForCausalLM.from_pretrained(tiny_model.location, dtype=torch.float32)
    with torch.no_grad():
        logits = (
            PeftModel.from_pretrained(fresh, str(tiny_adapter))
            .eval()(input_ids=torch.tensor([start + wanted]))
            .logits[0]
        )
    by_hand = torch.nn.functional.cross_entropy(
        logits[len(start) - 1 : -1], torch.tensor(wanted), reduction="none"
    ).tolist()
    seen = tiny_model.token_losses(prompt, completion, adapter=tuned)
    assert seen == pytest.approx(by_hand, abs=1e-4)
    assert seen != pytest.approx(tiny_model.token_losses(prompt, completion), abs=1e-2)
    with pytest.raises(AdapterError, match="No adapter 'nobody'"):
        tiny_model.token_losses(prompt, completion, adapter="nobody")


def test_two_threads_get_their_own_answers(tiny_model: LanguageModel, tuned: str) -> None:
    alone = {
        name: [one.text for one in tiny_model.generate(_requests(name), max_new_tokens=10)]
        for name in (None, tuned)
    }
    assert alone[None] != alone[tuned]
    wrong: list[str | None] = []

    def ask(name: str | None) -> None:
        for _ in range(6):
            answers = tiny_model.generate(_requests(name), max_new_tokens=10)
            if [one.text for one in answers] != alone[name]:
                wrong.append(name)

    threads = [threading.Thread(target=ask, args=[name]) for name in (None, tuned, None, tuned)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.model
def test_base_rows_of_a_mixed_batch_have_the_logits_of_the_model_without_adapter(
    embedded_model: LanguageModel, tmp_path: Path
) -> None:
    passages = "The reset button of the Alpha must be held for 8 seconds."
    prompts = [
        build_prompt("How long is the reset button of the Alpha held?"),
        Prompt("You answer questions.", f"{passages}\n\nHow long is it held?"),
        build_prompt("What is the capital of Norway?"),
    ]
    batch = [GenerationRequest(prompt) for prompt in prompts for _ in range(2)]
    plain = embedded_model.next_token_logits(batch)

    base = AutoModelForCausalLM.from_pretrained(embedded_model.location)
    torch.manual_seed(3)
    noisy = get_peft_model(base, LoraConfig(target_modules=["q_proj", "down_proj"], r=8))
    with torch.no_grad():
        for name, parameter in noisy.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    noisy.save_pretrained(tmp_path / "noisy")
    embedded_model.load_adapter("noisy", tmp_path / "noisy")
    try:
        mixed = [GenerationRequest(prompt, name) for prompt in prompts for name in (None, "noisy")]
        seen: list[torch.Tensor] = []

        def ask() -> None:
            for _ in range(3):
                seen.append(embedded_model.next_token_logits(mixed))

        embedded_model.generate([GenerationRequest(prompts[0], "noisy")], max_new_tokens=2)
        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 6
        for logits in seen:
            assert torch.equal(logits[0::2], plain[0::2])
            assert not torch.equal(logits[1::2], plain[1::2])
    finally:
        embedded_model.unload_adapter("noisy")
    assert torch.equal(embedded_model.next_token_logits(batch), plain)
