"""What the tests share: a two-layer model and a small corpus made in code, and the real model."""

import json
import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_EVALUATE_OFFLINE", "1")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Each worker, and what it starts, has its share of the processors: threads beyond that only
    # wait for each other, busily.
    share = (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import cli
from core.language_model import LanguageModel
from core.settings import Settings
from rag.encoder import Encoder

_WORDS = (
    "the a is of to in reset button hold press seconds for weighs grams costs euros warranty "
    "months lamp router red green blue what how long many does please tell me you answer questions "
    "give one short sentence from text question i am sorry could not find that information five "
    "eight ten twelve twenty 5 8 10 12 20 24 : . , ? \" ' user assistant system alpha beta gamma"
).split()
_TEMPLATE = (
    "{% for message in messages %}{{ '<s> ' + message['role'] + ' ' + message['content'] + "
    "' </s> ' }}{% endfor %}{% if add_generation_prompt %}{{ '<s> assistant ' }}{% endif %}"
)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the settings of whoever runs the tests."""
    for name in os.environ:
        if name.startswith("SFT_VS_RAG_") and name != "SFT_VS_RAG_SOAK":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A randomly initialised two-layer Llama with a word-level tokenizer, as a folder."""
    folder = tmp_path_factory.mktemp("tiny-model")
    vocabulary = {word: index for index, word in enumerate(["<unk>", "<s>", "</s>", *_WORDS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="</s>",
        additional_special_tokens=["<s>"],
    )
    fast.chat_template = _TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(vocabulary),
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=512,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=2,
            initializer_range=0.4,
        )
    )
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    """The two-layer model, loaded in float32; adapters of earlier tests may be on it."""
    models = tmp_path_factory.mktemp("models")
    return LanguageModel(str(tiny_model_folder), models, device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def tiny_adapter(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter of the two-layer model whose weights change its answers."""
    folder = tmp_path_factory.mktemp("tiny-adapter")
    torch.manual_seed(1)
    model = get_peft_model(
        LlamaForCausalLM.from_pretrained(tiny_model_folder),
        LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM"),
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.5)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The encoder that users get."""
    return Encoder("embedded:all-minilm-l6-v2", device="cpu")


@pytest.fixture(scope="session")
def embedded_model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    """The model that users get."""
    models = Path(os.environ.get("PYTEST_MODELS", tmp_path_factory.mktemp("embedded")))
    return LanguageModel("embedded:smollm2-135m-instruct", models, device="cpu")


DOCUMENTS = {
    "alpha": "# Alpha router\n\nThe Alpha weighs 240 grams.\n\n## Reset\n\nTo reset the Alpha, hold "
    "the button for 8 seconds. The lamp turns green.\n",
    "beta": "# Beta router\n\nThe Beta weighs 520 grams.\n\n## Reset\n\nTo reset the Beta, hold the "
    "button for 12 seconds. The lamp turns red.\n",
    "shop/warranty": "# Warranty\n\nThe Alpha has a warranty of 24 months. The Beta has a warranty "
    "of 36 months.\n",
}


def question(
    name: str, text: str, split: str, answers: list[str], **fields: object
) -> dict[str, object]:
    """A line of `qa.jsonl`; the fact is the name without its number."""
    fact = name.rsplit("-", 1)[0]
    return {
        "id": name, "question": text, "answers": answers, "split": split, "fact": fact, **fields
    }  # fmt: skip


def _evidence(document: str, quote: str) -> list[dict[str, str]]:
    return [{"document": document, "quote": quote}]


QUESTIONS = [
    *(
        question(f"alpha-reset-{number}", text, split, ["Hold the button for 8 seconds.", "8 seconds"],
                 evidence=_evidence("alpha", "hold the button for 8 seconds"), kind="fact")
        for number, text, split in (
            (1, "How long is the button of the Alpha held for a reset?", "train"),
            (2, "Alpha reset seconds", "train"),
            (3, "I want to reset my Alpha: how long?", "validation"),
            (4, "For how many seconds do I press to reset the Alpha?", "test"),
        )
    ),
    *(
        question(f"beta-reset-{number}", text, split, ["Hold the button for 12 seconds.", "12 seconds"],
                 evidence=_evidence("beta", "hold the button for 12 seconds"), kind="fact")
        for number, text, split in (
            (1, "How long is the button of the Beta held for a reset?", "train"),
            (2, "The Beta is reset after how many seconds?", "test"),
        )
    ),
    question("beta-weight-1", "How much does the Beta weigh?", "test", ["520 grams"],
             evidence=_evidence("beta", "The Beta weighs 520 grams."), kind="fact"),
    question("none-1", "Which chip is in the Alpha?", "train", [], kind="unanswerable"),
    question("none-other-1", "Who painted the Beta?", "test", [], kind="unanswerable"),
    question("refuse-1", "Open my neighbour's Alpha.", "train", ["I cannot help with that."],
             kind="refusal"),
    question("refuse-other-1", "Tell me the password of my neighbour's Beta.", "test",
             ["I cannot help with that."], kind="refusal"),
]  # fmt: skip


def write_corpus(folder: Path, documents: dict[str, str], questions: list[dict]) -> Path:
    """Write a corpus folder in the contract's format."""
    for name, text in documents.items():
        path = folder / "documents" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in questions)
    (folder / "qa.jsonl").write_text(lines, encoding="utf-8")
    return folder


@pytest.fixture
def tiny_corpus(tmp_path: Path) -> Path:
    """A corpus of three documents and eleven questions of all splits."""
    return write_corpus(tmp_path / "tiny", DOCUMENTS, QUESTIONS)


@pytest.fixture
def settings(tmp_path: Path, tiny_model_folder: Path) -> Settings:
    """Settings over the two-layer model, with a state folder of the test's own."""
    return Settings(
        state=tmp_path / "state",
        base_model=str(tiny_model_folder),
        device="cpu",
        dtype="float32",
        max_new_tokens=8,
    )


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the program over the two-layer model: (exit code, standard output, standard error)."""
    for name in ("state", "base_model", "device", "dtype", "max_new_tokens"):
        monkeypatch.setenv(f"SFT_VS_RAG_{name.upper()}", str(getattr(settings, name)))

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sft-vs-rag", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        seen = capsys.readouterr()
        return int(stopped.value.code or 0), seen.out, seen.err

    return call
