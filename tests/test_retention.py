"""What holds a model to its base: zero at the start, right in its gradients, and felt afterwards."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from fakes import four_rows
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from peft import PeftModel
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

import fine_tuning
from core.errors import TrainingError
from core.generation import GenerationRequest
from core.language_model import LanguageModel
from core.model_files import find_language_model
from core.prompts import Prompt, build_prompt
from core.records import Question, Wording
from core.settings import Settings
from sft.anchor import Anchor
from sft.base_answers import base_answers, split_log_probs
from sft.job import TrainingJob
from sft.recipe import Recipe
from sft.retention import (
    Retention,
    build_retention,
    check_retention,
    divergence,
    general_prompts,
    path_distance,
)
from sft.supervised_trainer import SupervisedTrainer
from sft.trainer_setup import build_trainer
from sft.training import train_adapter
from sft.training_row import TrainingRow, tokenise
from workbench import Workbench

WORDING = Wording("you answer questions .", "i am sorry")
RECIPE = Recipe(
    rank=4, batch_size=4, max_steps=12, epochs=12, learning_rate=2e-2, patience=0, retention_every=2,
    target_modules=("q_proj", "v_proj", "down_proj"),
)  # fmt: skip
CPU = torch.device("cpu")


def _prompts(words: str) -> tuple[Prompt, ...]:
    return tuple(
        build_prompt(f"what is the {word} ?", system_prompt=WORDING.system_prompt)
        for word in words.split()
    )


GENERAL = _prompts("lamp router button warranty red blue grams costs euros months seconds press")
HELD_OUT = _prompts("reset text sentence green twenty ten")


def _rows() -> list[TrainingRow]:
    return four_rows(WORDING, RECIPE)


def _job(state: Path, model: Path, general: Sequence[Prompt] = GENERAL) -> TrainingJob:
    files = find_language_model(str(model), state / "models")
    return TrainingJob(
        "small", "tiny", "c" * 64, str(model), files.sha256, files.location, state / "run",
        state / "adapter", general=tuple(general), base_answers=state / "base-answers",
    )  # fmt: skip


def _trainer(state: Path, model: Path, recipe: Recipe, **more: Any) -> SupervisedTrainer:
    tokenizer = AutoTokenizer.from_pretrained(model)
    rows = tokenise(_rows(), tokenizer, max_tokens=256).rows
    return build_trainer(
        _job(state, model), rows, rows, recipe=recipe, device="cpu", tokenizer=tokenizer, **more
    )


def _base(model: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)


def _moved(model: Any) -> Any:
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return model


@pytest.fixture
def in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared to the fourth digit is computed in float32 on every processor."""
    monkeypatch.setattr("sft.base_answers.computes_in_bfloat16", lambda device: False)


def _retention(folder: Path, model: Path, **changes: Any) -> Retention:
    made = build_retention(
        GENERAL,
        AutoTokenizer.from_pretrained(model),
        _base(model),
        RECIPE.model_copy(update={"kl_weight": 1.0, "path_weight": 1.0, **changes}),
        folder=folder,
        base_fingerprint="b",
        device=CPU,
    )
    assert made is not None
    return made


# The two distances


def test_gradients_are_those_of_the_formulas() -> None:
    torch.manual_seed(0)
    base = torch.randn(5, 9, dtype=torch.float64)
    tuned = torch.randn(5, 9, dtype=torch.float64, requires_grad=True)
    # All tokens but one kept, so the others together are that one: nothing is left out.
    top = base.topk(8, dim=-1).indices
    p0, p = base.softmax(dim=-1), tuned.detach().softmax(dim=-1)
    between = (p0 * p).sqrt()
    by_hand = {
        divergence: ((p0 * (p0 / p).log()).sum(dim=-1), p - p0),
        path_distance: (
            -between.sum(dim=-1).log(),
            (p - between / between.sum(dim=-1, keepdim=True)) / 2,
        ),
    }
    for distance, (value, gradient) in by_hand.items():
        got = distance(split_log_probs(base, top), split_log_probs(tuned, top))
        torch.testing.assert_close(got, value)
        torch.testing.assert_close(torch.autograd.grad(got.sum(), tuned)[0], gradient)


_logits = st.lists(st.floats(-12, 12), min_size=12, max_size=12)


@hypothesis_settings(max_examples=60, deadline=None)
@given(_logits, _logits, st.integers(1, 11))
def test_kept_tokens_and_the_rest_together_bound_the_distances_from_below(
    first: list[float], second: list[float], kept: int
) -> None:
    base, tuned = (torch.tensor([one], dtype=torch.float64) for one in (first, second))
    top = base.topk(kept, dim=-1).indices
    coarse = [split_log_probs(logits, top) for logits in (base, tuned)]
    fine = [logits.log_softmax(dim=-1) for logits in (base, tuned)]
    for log_probs in coarse:
        assert log_probs.exp().sum().item() == pytest.approx(1)
    for distance in (divergence, path_distance):
        assert -1e-9 <= distance(*coarse).item() <= distance(*fine).item() + 1e-9
    assert 2 * path_distance(*coarse).item() <= divergence(*coarse).item() + 1e-9
    # What is left out is the divergence among the others, weighted by their share: a law.
    others = [
        logits.scatter(-1, top, float("-inf")).log_softmax(dim=-1) for logits in (base, tuned)
    ]
    among = sum(
        a.exp().item() * (a - b).item()
        for a, b in zip(*(o[0] for o in others), strict=True)
        if a > -1e9
    )
    left_out = coarse[0][0, -1].exp().item() * among
    assert divergence(*fine).item() == pytest.approx(
        divergence(*coarse).item() + left_out, abs=1e-8
    )


# The base's answers


@pytest.mark.usefixtures("in_float32")
def test_the_answers_are_the_bases_own_and_are_kept(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_folder)

    def answer(base: Any) -> list:
        return base_answers(
            GENERAL, tokenizer, base, folder=tmp_path / "kept", base_fingerprint="b", device=CPU
        )

    base = _base(tiny_model_folder)
    made = answer(base)
    model = LanguageModel(str(tiny_model_folder), tmp_path, device="cpu", dtype="float32")
    wanted = model.generate([GenerationRequest(prompt) for prompt in GENERAL], max_new_tokens=32)
    for one, generation, prompt in zip(made, wanted, GENERAL, strict=True):
        assert one.ids[: one.prompt_tokens].tolist() == model.encode(prompt)
        text = tokenizer.decode(one.ids[one.prompt_tokens :], skip_special_tokens=True)
        assert text.strip() == generation.text
        logits = base(one.ids[None]).logits[0, one.prompt_tokens - 1 :]
        expected = logits.log_softmax(dim=-1).gather(-1, one.top)
        torch.testing.assert_close(one.log_probs[:, :-1], expected, rtol=0, atol=1e-4)
    [file] = (tmp_path / "kept").iterdir()
    again = answer(_moved(_base(tiny_model_folder)))
    assert all(torch.equal(a.log_probs, b.log_probs) for a, b in zip(made, again, strict=True))
    whole = file.read_bytes()
    file.write_bytes(whole[:-4000] + b"\x42" * 4000)
    remade = answer(base)
    assert all(torch.equal(a.ids, b.ids) for a, b in zip(made, remade, strict=True))
    assert file.read_bytes() == whole, "a damaged file is made again"


def test_general_prompts_are_the_corpus_own_words_and_do_not_hang_on_a_seed() -> None:
    questions = [Question(id=str(i), question=f"what is {i} ?", answers=("x",)) for i in range(300)]
    prompts = general_prompts(questions, WORDING)
    assert len(set(prompts)) == 128 and prompts == general_prompts(questions, WORDING)
    assert {prompt.system for prompt in prompts} == {WORDING.system_prompt}
    assert len(general_prompts(questions[:3], WORDING)) == 3


def test_prompts_are_put_in_the_recipes_form(tiny_model_folder: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_folder)
    for form in ("chat", "plain"):
        first = _retention(tmp_path, tiny_model_folder, form=form).drawn(0)[0]
        begun = tokenizer.decode(first.ids[: first.prompt_tokens])
        assert ("assistant" in begun) == (form == "chat"), begun


# The terms


@pytest.mark.usefixtures("in_float32")
def test_terms_are_zero_at_the_start_and_above_it_when_the_model_has_moved(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    retention = _retention(tmp_path, tiny_model_folder)
    model = _base(tiny_model_folder).train()
    start = retention.loss(model, 1)
    assert start.kl.item() == pytest.approx(0, abs=1e-5)
    assert start.path.item() == pytest.approx(0, abs=1e-5)
    assert model.training
    start.loss.backward()
    assert all(p.grad is None or p.grad.abs().max() < 1e-4 for p in model.parameters())
    moved = retention.loss(_moved(model), 1)
    assert moved.kl.item() > 1e-3 and moved.path.item() > 1e-4
    assert moved.loss.item() == pytest.approx(2 * (moved.kl + moved.path).item(), rel=1e-5)


def test_weights_mean_the_same_however_often_they_are_applied(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    model = _moved(_base(tiny_model_folder))
    for every in (1, 4):
        retention = _retention(tmp_path, tiny_model_folder, retention_every=every, kl_weight=3.0)
        due = [step for step in range(8) if retention.due(step)]
        assert len(due) * every == 8
        made = retention.loss(model, due[-1])
        assert made.loss.item() == pytest.approx(every * (3 * made.kl + made.path).item(), rel=1e-5)


def test_a_steps_prompts_follow_from_the_seed_and_the_step(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    def drawn(step: int, seed: int = 0) -> list[list[int]]:
        made = _retention(tmp_path, tiny_model_folder, seed=seed)
        return [one.ids.tolist() for one in made.drawn(step)]

    assert drawn(5) == drawn(5)
    assert len({str(drawn(step, seed)) for step in range(3) for seed in range(2)}) == 6


def test_several_processes_together_give_what_one_gives(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    retention = _retention(tmp_path, tiny_model_folder)
    model = _moved(_base(tiny_model_folder))
    alone = retention.loss(model, 3)
    for processes in (3, 10):
        parts = [retention.loss(model, 3, process=i, processes=processes) for i in range(processes)]
        for name in ("loss", "kl", "path"):
            mean = sum(getattr(part, name).item() for part in parts) / processes
            assert mean == pytest.approx(getattr(alone, name).item(), rel=1e-4)


def test_what_cannot_work_is_refused_in_a_sentence(tiny_model_folder: Path, tmp_path: Path) -> None:
    for weight in ("kl_weight", "path_weight"):
        with pytest.raises(TrainingError, match="general prompts, and there are none"):
            check_retention(Recipe(**{weight: 1.0}), ())
    with pytest.raises(TrainingError, match="lora leaves the base's weights where they are"):
        check_retention(Recipe(anchor_weight=1.0), GENERAL)
    check_retention(Recipe(anchor_weight=1.0, method="full"), ())
    with pytest.raises(TrainingError, match="there are none"):
        train_adapter(
            _job(tmp_path, tiny_model_folder, ()), _rows(), [],
            recipe=RECIPE.model_copy(update={"kl_weight": 1.0}), device="cpu",
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == [], "before anything is made"


# In the trainer


def test_the_anchors_gradient_is_that_of_the_squared_distance() -> None:
    layer = torch.nn.Linear(3, 2)
    layer.bias.requires_grad_(False)
    anchor = Anchor(layer, 0.7)
    start = layer.weight.detach().clone()
    assert anchor.distance() == 0
    with torch.no_grad():
        layer.weight.add_(torch.tensor([[1.0, -2, 0], [0, 0, 3]]))
        layer.bias.add_(1)
    layer(torch.ones(1, 3)).sum().backward()
    plain = layer.weight.grad.clone()
    assert anchor.pull() == pytest.approx(14)
    expected = torch.autograd.grad(0.7 * (layer.weight - start).square().sum(), layer.weight)[0]
    torch.testing.assert_close(layer.weight.grad - plain, expected)
    assert layer.bias.grad is None


def test_label_smoothing_is_torchs_and_in_training_only(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    trainer = _trainer(
        tmp_path, tiny_model_folder, RECIPE.model_copy(update={"label_smoothing": 0.2})
    )
    batch = next(iter(trainer.get_train_dataloader()))
    model = trainer.model.train()
    labels = batch["labels"][:, 1:]
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    flat = logits[:, :-1][labels != -100].float()

    def expected(smoothing: float) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(
            flat, labels[labels != -100], label_smoothing=smoothing
        )

    torch.testing.assert_close(trainer.compute_loss(model, batch), expected(0.2))
    count = (labels != -100).sum()
    torch.testing.assert_close(
        trainer.compute_loss(model, batch, num_items_in_batch=2 * count), expected(0.2) / 2
    )
    torch.testing.assert_close(trainer.compute_loss(model.eval(), batch), expected(0))


def test_only_the_last_part_of_a_batch_is_held(tiny_model_folder: Path, tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"kl_weight": 5.0, "retention_every": 1})
    trainer = _trainer(tmp_path, tiny_model_folder, recipe)
    _moved(trainer.model)
    batch = next(iter(trainer.get_train_dataloader()))
    model, retention = trainer.model.train(), trainer.retention
    losses = {}
    for last in (False, True):
        trainer.accelerator.gradient_state._set_sync_gradients(last)
        losses[last] = trainer.compute_loss(model, batch, num_items_in_batch=16).item()
    assert retention is not None
    held = retention.loss(model, 0).loss.item()
    assert held > 0
    assert losses[True] - losses[False] == pytest.approx(held, rel=1e-4)
    trainer.current_gradient_accumulation_steps = 3  # the parent would divide by it
    averaged = trainer.compute_loss(model, batch).item()
    trainer.retention = None
    assert averaged - trainer.compute_loss(model, batch).item() == pytest.approx(3 * held, rel=1e-4)


def test_a_batch_in_parts_has_the_gradients_of_the_whole_and_is_held_once(
    tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = RECIPE.model_copy(update={"kl_weight": 5.0, "retention_every": 1})
    trainer = _trainer(tmp_path, tiny_model_folder, recipe)
    _moved(trainer.model)
    batch = next(iter(trainer.get_train_dataloader()))
    rows, width = batch["input_ids"].shape
    found = []
    for most in (rows * width, width):
        monkeypatch.setattr("sft.supervised_trainer.TOKENS_A_PASS", most)
        trainer.model.zero_grad()
        loss = trainer.training_step(trainer.model, dict(batch), torch.tensor(16))
        grown = {
            name: parameter.grad.clone()
            for name, parameter in trainer.model.named_parameters()
            if parameter.grad is not None
        }
        found.append((loss, grown, len(trainer._metrics["train"]["kl"])))
    (whole, gradients, held), (parts, added_up, held_again) = found
    assert rows > 1 and gradients and (held, held_again) == (1, 2)
    torch.testing.assert_close(parts, whole, rtol=1e-3, atol=1e-4)
    for name, gradient in gradients.items():
        torch.testing.assert_close(added_up[name], gradient, rtol=2e-2, atol=1e-3)


class _Listener(TrainerCallback):
    """Notes whether what comes out of the embeddings is what is in them, and in which mode."""

    def __init__(self) -> None:
        self.seen: set[tuple[bool, bool]] = set()
        self.embeddings: Any = None

    def on_step_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, **_: Any
    ) -> None:
        if self.embeddings is None:
            self.embeddings = model.get_input_embeddings()
            self.embeddings.register_forward_hook(self._note)

    def _note(self, module: Any, inputs: Any, output: torch.Tensor) -> None:
        plain = torch.nn.functional.embedding(inputs[0], module.weight)
        self.seen.add((module.training, torch.equal(output, plain)))


def test_neftune_disturbs_training_only_and_is_gone_afterwards(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    listener = _Listener()
    recipe = RECIPE.model_copy(update={"max_steps": 2, "kl_weight": 1.0, "neftune": 5.0})
    trainer = _trainer(tmp_path, tiny_model_folder, recipe, callbacks=[listener])
    trainer.neftune_noise_alpha = recipe.neftune
    trainer.train()
    # Noise in training; none in validation and where the model is compared with its base.
    assert listener.seen == {(True, False), (False, True)}
    assert len(listener.embeddings._forward_hooks) == 1, "only the listener's own is left"


def _drift(model: Any, tokenizer: Any, base: Any) -> float:
    """Mean KL to the base over the whole vocabulary, at the last token of held-out prompts."""
    from core.chat import prompt_ids

    values = []
    for prompt in HELD_OUT:
        ids = torch.tensor([prompt_ids(prompt, tokenizer)])
        with torch.no_grad():
            both = [one(ids).logits[0].log_softmax(dim=-1) for one in (base, model.eval())]
        values.append(divergence(both[0], both[1]).mean().item())
    return sum(values) / len(values)


@pytest.fixture(scope="module")
def runs(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Runs that differ in their weights only: each adapter's fingerprint, folder and curve."""
    made = {}
    for name, changes, general in (
        ("plain", {}, ()),
        ("zero", {}, GENERAL),
        ("kl", {"kl_weight": 10.0}, GENERAL),
        ("kl again", {"kl_weight": 10.0}, GENERAL),
        ("path", {"path_weight": 40.0}, GENERAL),
    ):
        state = tmp_path_factory.mktemp(name.replace(" ", "-"))
        result = train_adapter(
            _job(state, tiny_model_folder, general), _rows(), [],  # the last weights are kept
            recipe=RECIPE.model_copy(update=changes), device="cpu",
        )  # fmt: skip
        made[name] = (result.manifest.sha256, state / "adapter", result.curve)
    return made


def _weights(folder: Path) -> bytes:
    return (folder / "adapter_model.safetensors").read_bytes()


def test_without_weights_nothing_is_changed_and_with_them_a_run_repeats(
    runs: dict[str, Any],
) -> None:
    assert _weights(runs["zero"][1]) == _weights(runs["plain"][1])
    assert not (runs["zero"][1].parent / "base-answers").exists()
    assert runs["kl again"][0] == runs["kl"][0] != runs["plain"][0]
    assert runs["path"][0] not in (runs["plain"][0], runs["kl"][0])


def test_held_runs_forget_less_and_still_learn(
    runs: dict[str, Any], tiny_model_folder: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_folder)
    drift = {}
    for name in ("plain", "kl", "path"):
        tuned = PeftModel.from_pretrained(_base(tiny_model_folder), str(runs[name][1]))
        drift[name] = _drift(tuned, tokenizer, _base(tiny_model_folder))
        losses = [row["loss"] for row in runs[name][2] if "loss" in row]
        assert losses[-1] < 0.8 * losses[0], "the logged loss is the new task's, without the terms"
    assert drift["kl"] < 0.7 * drift["plain"]
    assert drift["path"] < 0.7 * drift["plain"]


def test_an_anchored_run_stays_nearer_to_its_start(tiny_model_folder: Path, tmp_path: Path) -> None:
    moved = {}
    for weight in (1e-9, 5.0):
        trainer = _trainer(tmp_path / str(weight), tiny_model_folder, RECIPE)
        trainer.anchor = Anchor(trainer.model, weight)
        trainer.train()
        moved[weight] = [row["anchor"] for row in trainer.state.log_history if "anchor" in row]
        assert moved[weight][0] == 0
    assert 0 < moved[5.0][-1] < 0.7 * moved[1e-9][-1]


def test_a_users_run_is_held_to_the_general_corpus_and_says_when_it_is_missing(
    settings: Settings, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = RECIPE.model_copy(
        update={"kl_weight": 1.0, "max_steps": 2, "open_book_share": 0, "replay_share": 0}
    )
    workbench = Workbench(settings)
    made = workbench.train(str(tiny_corpus), recipe=recipe, name="held")
    assert made.manifest.steps == 2
    [kept] = (settings.state / "base-answers").iterdir()
    with safe_open(kept, "pt") as file:
        assert len(file.get_tensor("lengths")) == 128
    monkeypatch.setattr(fine_tuning, "REPLAY_CORPUS", "no-such-corpus")
    with pytest.raises(TrainingError, match="the corpus general-knowledge has no questions"):
        workbench.train(str(tiny_corpus), recipe=recipe, name="missing")
    plain = recipe.model_copy(update={"kl_weight": 0.0})
    assert workbench.train(str(tiny_corpus), recipe=plain, name="plain").manifest.steps == 2
