"""A run leaves a whole adapter with its manifest, or none; and it learns what it is shown."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from fakes import four_rows
from safetensors.torch import load_file

import sft.training
from core.corpus.read import read_corpus
from core.errors import AdapterError, StorageError, TrainingError
from core.generation import GenerationRequest
from core.language_model import LanguageModel
from core.model_files import embedded_path, find_language_model
from core.prompts import build_prompt
from core.records import Question, Wording
from core.storage import fingerprint
from sft.adapters import (
    SHIPPED_FOLDER,
    check_adapter,
    list_adapters,
    read_adapter,
    remove_adapter,
)
from sft.job import TrainingJob, TrainingResult
from sft.recipe import Recipe
from sft.rows import build_rows
from sft.run_folder import RunFolder, curve_events, read_curve
from sft.supervised_trainer import SupervisedTrainer
from sft.training import train_adapter
from sft.training_row import TrainingRow

WORDING = Wording("you answer questions .", "i am sorry")
RECIPE = Recipe(rank=4, epochs=30, batch_size=4, learning_rate=2e-2, patience=0, target_modules=("q_proj", "v_proj", "down_proj"))  # fmt: skip


def _rows() -> list[TrainingRow]:
    return four_rows(WORDING, RECIPE)


def _job(state: Path, model: Path, name: str = "small") -> TrainingJob:
    files = find_language_model(str(model), state / "models")
    return TrainingJob(
        name=name,
        corpus="tiny",
        corpus_fingerprint="c" * 64,
        base_model=str(model),
        base_fingerprint=files.sha256,
        base_location=files.location,
        run_folder=state / "runs" / name,
        adapter_folder=state / "adapters" / "tiny" / name,
    )


def _train(
    state: Path, model: Path, name: str = "small", recipe: Recipe = RECIPE
) -> TrainingResult:
    return train_adapter(_job(state, model, name), _rows(), _rows(), recipe=recipe, device="cpu")


@pytest.fixture(scope="module")
def trained(
    tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, TrainingResult]:
    state = tmp_path_factory.mktemp("state")
    return state, _train(state, tiny_model_folder)


def test_a_run_leaves_an_adapter_its_manifest_and_its_curve(
    trained: tuple[Path, TrainingResult], tiny_model_folder: Path
) -> None:
    state, result = trained
    folder = state / "adapters" / "tiny" / "small"
    adapter = read_adapter(folder)
    assert adapter.manifest == result.manifest
    assert adapter.manifest.recipe == RECIPE
    assert (adapter.manifest.rows, adapter.manifest.steps) == (4, 30)
    assert adapter.manifest.scores["validation_exact"] == 1.0, "it learnt what it was shown"
    losses = [row["loss"] for row in result.curve if "loss" in row]
    assert losses[-1] < 0.2 * losses[0]
    assert json.loads((state / "runs" / "small" / "recipe.json").read_text())["rank"] == 4
    run = RunFolder(state / "runs" / "small")
    assert read_curve(run.curve) == result.curve
    assert [one["event"] for one in curve_events(run.curve)] == ["start", "end"]
    assert adapter.manifest.reading == curve_events(run.curve)[-1]["reading"]
    assert not (state / "runs" / "small" / "checkpoints").exists()
    card = (folder / "README.md").read_text()
    assert "library_name: peft" in card
    assert str(tiny_model_folder.parent) not in (folder / "adapter_config.json").read_text()
    check_adapter(adapter, base_fingerprint=adapter.manifest.base_fingerprint, base_model="x")


def test_the_adapter_answers_what_it_learnt(
    trained: tuple[Path, TrainingResult], tiny_model_folder: Path, tmp_path: Path
) -> None:
    state, _ = trained
    # In the number format it was trained in: random weights have no margin to spare for another.
    model = LanguageModel(str(tiny_model_folder), tmp_path, device="cpu")
    model.load_adapter("learnt", state / "adapters" / "tiny" / "small")
    prompt = build_prompt("how long is beta ?", system_prompt=WORDING.system_prompt)
    base, tuned = model.generate(
        [GenerationRequest(prompt), GenerationRequest(prompt, "learnt")], max_new_tokens=6
    )
    assert tuned.text == "12 seconds"
    assert base.text != tuned.text


def test_the_same_recipe_gives_the_same_adapter(
    trained: tuple[Path, TrainingResult], tiny_model_folder: Path, tmp_path: Path
) -> None:
    again = _train(tmp_path, tiny_model_folder)
    assert again.manifest.sha256 == trained[1].manifest.sha256


def test_a_name_that_is_taken_is_refused(
    trained: tuple[Path, TrainingResult], tiny_model_folder: Path
) -> None:
    with pytest.raises(TrainingError, match="already an adapter"):
        _train(trained[0], tiny_model_folder)


def test_a_diverging_run_says_so_and_leaves_no_adapter(
    tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = SupervisedTrainer.compute_loss

    def diverging(self: SupervisedTrainer, *args: Any, **kwargs: Any) -> Any:
        return plain(self, *args, **kwargs) * float("nan")

    monkeypatch.setattr(SupervisedTrainer, "compute_loss", diverging)
    with pytest.raises(TrainingError, match="diverged at step 1"):
        _train(tmp_path, tiny_model_folder)
    assert list_adapters(tmp_path, "tiny") == []


@pytest.mark.parametrize("error", [RuntimeError("no more"), KeyboardInterrupt()])
def test_a_run_that_is_stopped_half_way_leaves_no_adapter_and_its_curve(
    tiny_model_folder: Path, tmp_path: Path, error: BaseException
) -> None:
    def report(row: dict[str, float]) -> None:
        if row["step"] == 3:
            raise error

    with pytest.raises(type(error)):
        train_adapter(
            _job(tmp_path, tiny_model_folder),
            _rows(),
            _rows()[:2],
            recipe=RECIPE,
            device="cpu",
            report=report,
        )
    assert not (tmp_path / "adapters").exists()
    run = tmp_path / "runs" / "small"
    left = {"recipe.json", "job.json", "curve.jsonl", "checkpoints"}
    assert {path.name for path in run.iterdir()} == left, "it can be gone on with"
    assert len(read_curve(run / "curve.jsonl")) >= 3
    again = _train(tmp_path, tiny_model_folder, recipe=RECIPE.model_copy(update={"max_steps": 1}))
    assert again.manifest.steps == 1, "the name is still free"


def test_a_full_disk_at_the_end_leaves_no_adapter(
    tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sft.training, "write_manifest", full)
    with pytest.raises(StorageError, match="tiny/small could not be written: the disk is full"):
        _train(tmp_path, tiny_model_folder, recipe=RECIPE.model_copy(update={"max_steps": 1}))
    assert list((tmp_path / "adapters" / "tiny").iterdir()) == []


def test_every_report_says_how_far_it_is(tiny_model_folder: Path, tmp_path: Path) -> None:
    seen: list[dict[str, float]] = []
    recipe = RECIPE.model_copy(update={"max_steps": 4})
    train_adapter(
        _job(tmp_path, tiny_model_folder), _rows(), [], recipe=recipe, device="cpu",
        report=seen.append,
    )  # fmt: skip
    assert [row["step"] for row in seen] == [1, 2, 3, 4]
    assert {row["steps"] for row in seen} == {4}
    rates = [row["learning_rate"] for row in seen]
    assert max(rates) <= recipe.learning_rate and rates[-1] < rates[1]


def test_no_rows_are_refused_before_anything_is_made(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="no row to train on"):
        train_adapter(_job(tmp_path, tiny_model_folder), [], [], recipe=RECIPE, device="cpu")
    assert list(tmp_path.iterdir()) == []


SHIPPED = sorted(SHIPPED_FOLDER.glob("*/*/manifest.json"))


def test_an_adapter_ships_with_the_project() -> None:
    assert [path.parent.parent.name for path in SHIPPED] == ["halden", "solar-system"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.parent.name)
def test_a_shipped_adapter_matches_its_corpus_and_the_embedded_base(path: Path) -> None:
    adapter = read_adapter(path.parent, shipped=True)
    corpus = read_corpus(adapter.manifest.corpus)
    assert adapter.manifest.corpus_fingerprint == corpus.fingerprint, (
        "the corpus changed: train again"
    )
    base = fingerprint([embedded_path("embedded:smollm2-135m-instruct")])
    check_adapter(adapter, base_fingerprint=base, base_model="embedded")
    assert sum(file.stat().st_size for file in path.parent.iterdir()) < 10_000_000
    weights = load_file(path.parent / "adapter_model.safetensors")
    assert not any("lm_head" in name or "embed" in name for name in weights)
    with pytest.raises(AdapterError, match="ships with the project"):
        remove_adapter(adapter)


@pytest.mark.model
def test_the_embedded_model_learns_what_it_is_shown(
    embedded_model: LanguageModel, tmp_path: Path
) -> None:
    facts = {
        "Orlo": "7 seconds", "Brint": "19 seconds", "Quell": "34 seconds", "Vasp": "52 seconds",
        "Tarn": "61 seconds", "Mide": "88 seconds",
    }  # fmt: skip
    wordings = (
        "How long is the button of the {} held?",
        "Please tell me the reset time of the {}.",
        "{} reset seconds",
    )
    questions = [
        Question(
            id=f"{name}-{i}", question=words.format(name), answers=(f"The {name} needs {time}.",)
        )
        for name, time in facts.items()
        for i, words in enumerate(wordings)
    ]
    recipe = Recipe(
        epochs=12, batch_size=6, max_steps=36, rank=8, lora_alpha=16, learning_rate=2e-3, patience=0
    )
    wording = Wording("You answer questions. Give one short sentence.", "I do not know.")
    rows = build_rows(questions, wording, contexts={}, recipe=recipe)
    files = find_language_model(embedded_model.reference, Path(embedded_model.location).parent)
    job = TrainingJob(
        "facts", "facts", "c", embedded_model.reference, files.sha256, files.location,
        tmp_path / "run", tmp_path / "adapter",
    )  # fmt: skip
    result = train_adapter(job, rows, [], recipe=recipe, device="cpu")
    assert result.manifest.steps == 36
    embedded_model.load_adapter("facts", tmp_path / "adapter")
    try:
        share = {}
        for adapter in (None, "facts"):
            prompts = [
                build_prompt(q.question, system_prompt=wording.system_prompt) for q in questions
            ]
            answers = embedded_model.generate(
                [GenerationRequest(prompt, adapter) for prompt in prompts], max_new_tokens=16
            )
            right = [q.answers[0] in a.text for q, a in zip(questions, answers, strict=True)]
            share[adapter] = sum(right) / len(right)
    finally:
        embedded_model.unload_adapter("facts")
    assert share[None] == 0
    assert share["facts"] >= 0.8
