"""A study tries recipes, survives a kill, refuses to mix, and its best recipe trains again."""

import dataclasses
import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from filelock import FileLock

import cli
import sft.tuning
from core.errors import StorageError, TrainingError
from core.model_files import find_language_model
from core.records import Question, Wording
from core.settings import Settings
from sft.adapters import list_adapters
from sft.job import TrainingJob
from sft.recipe import Recipe, load_recipe
from sft.rows import build_rows
from sft.training import train_adapter
from sft.tuning import TuningJob, search_space, tried_recipe, tune
from sft.tuning_study import opened, recover
from sft.tuning_table import TuningResult

WORDING = Wording("you answer questions .", "i am sorry")
RECIPE = Recipe(max_steps=6, target_modules=("q_proj", "v_proj"), seed=3, learning_rate=2e-3)
PAIRS = (("alpha", "8 seconds"), ("beta", "12 seconds"), ("gamma", "red lamp"))
ROWS = build_rows(
    [Question(id=n, question=f"how long is {n} ?", answers=(a,)) for n, a in PAIRS],
    WORDING, contexts={}, recipe=RECIPE,
)  # fmt: skip


def _job(state: Path, model: Path, **changes: Any) -> TuningJob:
    files = find_language_model(str(model), state / "models")
    folder = state / "tuning" / "tiny"
    run = TrainingJob(
        "trial", "tiny", "c" * 64, str(model), files.sha256, files.location, folder, folder
    )
    return dataclasses.replace(TuningJob(run, RECIPE, folder, "cpu"), **changes)


def _tune(job: TuningJob, trials: int, *, restart: bool = False) -> TuningResult:
    return tune(job, ROWS, ROWS, trials=trials, restart=restart)


@pytest.fixture(scope="module")
def tuned(
    tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, TuningResult]:
    state = tmp_path_factory.mktemp("state")
    return state, _tune(_job(state, tiny_model_folder), 3)


class Scripted:
    """Stands in for `train_adapter`: each trial's curve is what the script says for it."""

    def __init__(self, *curves: Any) -> None:
        self.curves, self.recipes, self.stopped = list(curves), [], ""

    def __call__(self, job: TrainingJob, rows: Any, validation: Any, **given: Any) -> Any:
        curve = self.curves[len(self.recipes) % len(self.curves)]
        self.recipes.append(given["recipe"])
        job.run_folder.mkdir(parents=True)
        (job.run_folder / "half").write_text("half")
        if isinstance(curve, BaseException):
            raise curve
        for step, value in enumerate(curve, start=1):
            if isinstance(value, BaseException):
                raise value
            row = {"step": step, "steps": len(curve), "eval_exact": value, "eval_loss": 1.0}
            given["report"](row)
        return SimpleNamespace(manifest=SimpleNamespace(stopped=self.stopped))


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Any:
    def script(*curves: Any) -> Scripted:
        made = Scripted(*curves)
        monkeypatch.setattr(sft.tuning, "train_adapter", made)
        return made

    return script


def test_three_trials_leave_a_table_a_picture_and_no_adapter(
    tuned: tuple[Path, TuningResult],
) -> None:
    state, result = tuned
    assert [trial.state for trial in result.trials] == ["finished"] * 3
    assert result.best is not None
    assert result.best.value == max(trial.value or 0 for trial in result.trials)
    assert {name for trial in result.trials for name in trial.parameters} == {
        "learning_rate", "rank", "epochs", "dropout", "batch_size"
    }  # fmt: skip
    assert {path.name for path in result.folder.iterdir()} == {
        "study.db", "trials.md", "history.svg", "best.toml", "curves",
    }  # fmt: skip
    assert len(list((result.folder / "curves").iterdir())) == 3
    table = (result.folder / "trials.md").read_text()
    assert table.count("| finished |") == 3 and "takes 4" in table
    assert (result.folder / "history.svg").read_bytes().startswith(b"<?xml")
    assert list_adapters(state, "tiny") == [] and not (state / "runs").exists()
    json.dumps(result.as_json(), allow_nan=False)


def test_the_recipe_as_it_stands_is_tried_first(tuned: tuple[Path, TuningResult]) -> None:
    first = tuned[1].trials[0].parameters
    assert first == {
        "learning_rate": 2e-3, "rank": RECIPE.rank, "epochs": RECIPE.epochs, "dropout": 0.0,
        "batch_size": RECIPE.batch_size,
    }  # fmt: skip


def test_the_best_recipe_trains_again_to_the_same_figure(
    tuned: tuple[Path, TuningResult], tiny_model_folder: Path, tmp_path: Path
) -> None:
    _, result = tuned
    recipe = load_recipe(result.folder / "best.toml")
    assert recipe == result.recipe
    assert recipe.lora_alpha == 2 * recipe.rank
    job = dataclasses.replace(
        _job(tmp_path, tiny_model_folder).run,
        run_folder=tmp_path / "run",
        adapter_folder=tmp_path / "adapter",
    )
    again = train_adapter(job, ROWS, ROWS, recipe=recipe, device="cpu")
    assert result.best is not None
    assert again.manifest.scores["validation_exact"] == pytest.approx(result.best.value, abs=1e-4)


def test_a_study_goes_on_and_a_larger_number_counts_the_earlier_trials(
    tmp_path: Path, tiny_model_folder: Path, scripted: Any
) -> None:
    job = _job(tmp_path, tiny_model_folder)
    first = scripted([0.1, 0.2])
    _tune(job, 2)
    assert len(first.recipes) == 2
    second = scripted([0.1, 0.3])
    result = _tune(job, 5)
    assert len(second.recipes) == 3
    assert [trial.value for trial in result.trials] == [0.2, 0.2, 0.3, 0.3, 0.3]
    assert result.best == result.trials[2], "the earliest of equals"
    assert sum(result.importance.values()) == pytest.approx(1)
    assert (result.folder / "importance.svg").is_file()
    third = scripted([0.9])
    assert _tune(job, 5) == result and third.recipes == []
    assert len(_tune(job, 1, restart=True).trials) == 1


def test_an_interrupted_study_tries_what_it_would_have_tried(
    tmp_path: Path, tiny_model_folder: Path, scripted: Any
) -> None:
    whole = scripted([0.1, 0.2])
    _tune(_job(tmp_path / "whole", tiny_model_folder), 4)
    parts = scripted([0.1, 0.2], KeyboardInterrupt(), [0.1, 0.2], [0.1, 0.2])
    job = _job(tmp_path / "parts", tiny_model_folder)
    with pytest.raises(KeyboardInterrupt):
        _tune(job, 4)
    result = _tune(job, 4)
    assert [trial.state for trial in result.trials].count("failed") == 1
    assert [*parts.recipes[:1], *parts.recipes[2:]] == whole.recipes


def test_a_pruned_trial_leaves_its_curve_alone(
    tmp_path: Path, tiny_model_folder: Path, scripted: Any
) -> None:
    good, bad = [0.5, 0.6, 0.7, 0.8], [0.1, 0.1, 0.1, 0.1]
    scripted(good, good, good, good, bad)
    result = _tune(_job(tmp_path, tiny_model_folder), 5)
    last = result.trials[-1]
    assert (last.state, last.value, last.step) == ("pruned", 0.1, 1)
    assert not (result.folder / "trials").exists()
    curve = (result.folder / "curves" / "4.jsonl").read_text().splitlines()
    assert len(curve) == 3, "two validations are never pruned"


def test_a_trial_that_diverges_is_one_trial_and_bad_rows_end_the_study(
    tmp_path: Path, tiny_model_folder: Path, scripted: Any
) -> None:
    scripted([0.1, TrainingError("Training diverged at step 2.")], [0.4])
    job = _job(tmp_path, tiny_model_folder)
    result = _tune(job, 2)
    assert [trial.state for trial in result.trials] == ["pruned", "finished"]
    assert "diverged at step 2" in (result.folder / "trials.md").read_text()
    scripted(TrainingError("Row 1 has no supervised token."))
    with pytest.raises(TrainingError, match="Row 1"):
        _tune(job, 3)


def test_a_full_disk_ends_the_study_and_the_trial_is_tried_again(
    tmp_path: Path, tiny_model_folder: Path, scripted: Any
) -> None:
    broken = scripted([0.2], StorageError("the disk is full"))
    job = _job(tmp_path, tiny_model_folder)
    with pytest.raises(StorageError, match="full"):
        _tune(job, 2)
    again = scripted([0.3])
    assert len(_tune(job, 2).trials) == 3
    assert again.recipes == broken.recipes[1:]


def test_a_trial_that_is_stopped_from_outside_is_no_result(
    tmp_path: Path, tiny_model_folder: Path, scripted: Any
) -> None:
    scripted([0.9]).stopped = "at step 1"
    job = _job(tmp_path, tiny_model_folder)
    with pytest.raises(KeyboardInterrupt):
        _tune(job, 1)
    scripted([0.3])
    assert [trial.value for trial in _tune(job, 1).trials] == [None, 0.3]


KILLED = """
    import os, signal, sys
    from types import SimpleNamespace
    from pathlib import Path
    import sft.tuning
    sys.path.insert(0, "tests")
    from test_tuning import _job, _tune

    class Dies:
        calls = 0
        def __call__(self, job, rows, validation, *, recipe, device, report):
            Dies.calls += 1
            report({"step": 1, "steps": 2, "eval_exact": 0.5, "eval_loss": 1.0})
            made = SimpleNamespace(manifest=SimpleNamespace(stopped=""))
            if Dies.calls == 2:
                job.run_folder.mkdir(parents=True)
                print(recipe.model_dump_json(), flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            return made

    sft.tuning.train_adapter = Dies()
    _tune(_job(Path(sys.argv[1]), Path(sys.argv[2])), 3)
"""


def test_a_killed_study_goes_on_with_the_trial_it_was_at(
    tmp_path: Path, tiny_model_folder: Path, scripted: Any
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), str(tiny_model_folder)],
        cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    job = _job(tmp_path, tiny_model_folder)
    assert (job.folder / "trials").exists()
    again = scripted([0.5, 0.5])
    result = _tune(job, 3)
    assert [trial.state for trial in result.trials] == [
        "finished", "failed", "finished", "finished"
    ]  # fmt: skip
    assert again.recipes[0] == Recipe.model_validate_json(ended.stdout)
    assert "the process ended in it" in (result.folder / "trials.md").read_text()
    assert not (job.folder / "trials").exists()


def test_parameters_that_kill_the_process_twice_are_let_be(
    tmp_path: Path, tiny_model_folder: Path, scripted: Any
) -> None:
    job = _job(tmp_path, tiny_model_folder)
    space = search_space(RECIPE, frozenset())
    scripted([0.5])
    _tune(job, 1)
    for _ in range(2):
        with opened(job.folder) as study:
            recover(study)
            study.ask(space)
    result = _tune(job, 3)
    assert [trial.state for trial in result.trials] == [
        "finished", "failed", "pruned", "finished"
    ]  # fmt: skip
    assert result.trials[1].parameters == result.trials[2].parameters


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"corpus_fingerprint": "d" * 64}, "corpus"),
        ({"base_fingerprint": "d" * 64}, "base model"),
        ({"recipe": RECIPE.model_copy(update={"weight_decay": 0.1})}, "recipe"),
        ({"held": frozenset({"rank"})}, "recipe and search space"),
    ],
)
def test_a_study_of_something_else_is_refused(
    tmp_path: Path, tiny_model_folder: Path, scripted: Any, changed: dict[str, Any], named: str
) -> None:
    scripted([0.5])
    job = _job(tmp_path, tiny_model_folder)
    _tune(job, 1)
    run = {name: value for name, value in changed.items() if name.endswith("fingerprint")}
    rest = {name: value for name, value in changed.items() if name not in run}
    other = dataclasses.replace(job, run=dataclasses.replace(job.run, **run), **rest)
    with pytest.raises(TrainingError, match=f"begun with another {named}: .*--restart"):
        _tune(other, 2)
    assert len(_tune(other, 1, restart=True).trials) == 1


def test_other_rows_are_another_study(
    tmp_path: Path, tiny_model_folder: Path, scripted: Any
) -> None:
    scripted([0.5])
    job = _job(tmp_path, tiny_model_folder)
    _tune(job, 1)
    with pytest.raises(TrainingError, match="another training rows"):
        tune(job, ROWS[1:], ROWS, trials=2)


def test_one_process_at_a_time(tmp_path: Path, tiny_model_folder: Path, scripted: Any) -> None:
    scripted([0.5])
    job = _job(tmp_path, tiny_model_folder)
    job.folder.parent.mkdir(parents=True)
    with (
        FileLock(job.folder.parent / ".tiny.lock"),
        pytest.raises(TrainingError, match="Another process is tuning tiny"),
    ):
        _tune(job, 1)
    assert len(_tune(job, 1).trials) == 1


def test_a_damaged_study_is_one_sentence(
    tmp_path: Path, tiny_model_folder: Path, scripted: Any
) -> None:
    scripted([0.5])
    job = _job(tmp_path, tiny_model_folder)
    job.folder.mkdir(parents=True)
    (job.folder / "study.db").write_bytes(b"no database" * 200)
    with pytest.raises(TrainingError, match=r"cannot be read as a study .*--restart"):
        _tune(job, 1)
    assert len(_tune(job, 1, restart=True).trials) == 1


def test_nothing_to_measure_with_or_to_vary_is_said_first(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    job = _job(tmp_path, tiny_model_folder)
    with pytest.raises(TrainingError, match="no questions of the validation split"):
        tune(job, ROWS, [], trials=1)
    held = frozenset({"learning_rate", "rank", "epochs", "dropout", "batch_size"})
    with pytest.raises(TrainingError, match="nothing to try"):
        _tune(dataclasses.replace(job, held=held), 1)
    assert not job.folder.exists()


def test_a_folder_of_any_name_holds_a_study(tmp_path: Path) -> None:
    folder = tmp_path / "50 % {of} ü?#"
    with opened(folder) as study:
        assert study.trials == []
    assert (folder / "study.db").is_file()


@pytest.mark.parametrize("method", ["lora", "full", "frozen"])
def test_every_point_of_the_space_is_a_recipe(method: str) -> None:
    recipe = RECIPE.model_copy(update={"method": method})
    space = search_space(recipe, frozenset())
    assert ("rank" in space) == (method == "lora")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(30):
        made = tried_recipe(recipe, study.ask(space).params, frozenset())
        assert Recipe.model_validate(made.model_dump()) == made
        assert method != "lora" or made.lora_alpha == 2 * made.rank


def test_what_is_held_stays() -> None:
    held = frozenset({"lora_alpha", "epochs"})
    assert "epochs" not in search_space(RECIPE, held)
    assert tried_recipe(RECIPE, {"rank": 64}, held).lora_alpha == RECIPE.lora_alpha


def test_the_command_prints_one_document_and_holds_what_is_set(
    settings: Settings,
    tiny_corpus: Path,
    scripted: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("state", "base_model", "device", "dtype"):
        monkeypatch.setenv(f"SFT_VS_RAG_{name.upper()}", str(getattr(settings, name)))
    made = scripted([0.5])
    given = ["tune", str(tiny_corpus), "--trials", "2", "--json"]
    given += ["--set", "open_book_share=0", "--set", "replay_share=0", "--set", "rank=4"]
    monkeypatch.setattr(sys, "argv", ["sft-vs-rag", *given])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    seen = capsys.readouterr()
    assert stopped.value.code == 0, seen.err
    result = json.loads(seen.out)
    assert [trial["value"] for trial in result["trials"]] == [0.5, 0.5]
    assert {recipe.rank for recipe in made.recipes} == {4}
    assert "trial 1, step 1/1: eval_exact 0.5" in seen.err
    assert (settings.state / "tuning" / "tiny" / "best.toml").is_file()
