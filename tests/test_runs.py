"""A run survives being killed, is stopped from outside, and is the only one of its state folder."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock

import sft.checkpoints
from core.errors import TrainingError
from core.model_files import find_language_model
from core.records import Question, Wording
from core.storage import read_lines
from sft.adapters import adapter_fingerprint, list_adapters, read_adapter
from sft.checkpoints import checkpoint_of, newest_whole
from sft.job import TrainingJob, TrainingResult
from sft.memory import memory_named
from sft.one_training import going_on, one_training
from sft.recipe import Recipe
from sft.rows import build_rows
from sft.run_folder import (
    RunFolder,
    curve_events,
    read_curve,
    remove_leftovers,
    request_stop,
    unfinished_runs,
)
from sft.stopping import Stopper
from sft.training import resume_training, train_adapter
from sft.training_row import TrainingRow

WORDING = Wording("you answer questions .", "i am sorry")
#: Dropout and several rows of different lengths: random numbers and order decide the weights.
RECIPE = Recipe(rank=4, epochs=12, batch_size=2, learning_rate=1e-2, patience=0, dropout=0.1, target_modules=("q_proj", "v_proj"))  # fmt: skip
_PAIRS = [("alpha", "8 seconds"), ("beta", "12 seconds"), ("gamma", "red lamp"), ("green", "20 grams"), ("blue router", "the lamp is red"), ("red lamp", "5 euros")]  # fmt: skip


def rows() -> list[TrainingRow]:
    questions = [Question(id=n, question=f"how long is {n} ?", answers=(a,)) for n, a in _PAIRS]
    return build_rows(questions, WORDING, contexts={}, recipe=RECIPE)


def job(state: Path, model: Path, name: str = "small") -> TrainingJob:
    files = find_language_model(str(model), state / "models")
    return TrainingJob(
        name, "tiny", "c" * 64, str(model), files.sha256, files.location,
        state / "runs" / name, state / "adapters" / "tiny" / name,
    )  # fmt: skip


def train(state: Path, model: Path, name: str = "small", **options: Any) -> TrainingResult:
    options = {"recipe": RECIPE, "device": "cpu", **options}
    return train_adapter(job(state, model, name), rows(), rows()[:3], **options)


@pytest.fixture(scope="module")
def whole(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    """The run that nobody broke off."""
    return train(tmp_path_factory.mktemp("whole"), tiny_model_folder)


class Broken(Exception):  # noqa: N818
    """Stands for whatever ends a process."""


def _break_off(state: Path, model: Path, at: int) -> RunFolder:
    def report(row: dict[str, float]) -> None:
        if row["step"] >= at:
            raise Broken

    with pytest.raises(Broken):
        train(state, model, report=report)
    return RunFolder(state / "runs" / "small")


# Killed


@pytest.mark.parametrize("at", [1, 3, 5, 17, 36])
def test_a_run_that_was_broken_off_goes_on_to_the_same_result(
    whole: TrainingResult, tiny_model_folder: Path, tmp_path: Path, at: int
) -> None:
    run = _break_off(tmp_path, tiny_model_folder, at)
    [found] = unfinished_runs(tmp_path / "runs", "tiny")
    assert found.name == run.name
    again = resume_training(job(tmp_path, tiny_model_folder), device="cpu")
    assert again.manifest.sha256 == whole.manifest.sha256
    assert again.curve == whole.curve
    assert again.manifest.scores == whole.manifest.scores
    assert read_curve(run.curve) == whole.curve, "no row twice, none missing"
    assert unfinished_runs(tmp_path / "runs", "tiny") == []
    assert not run.checkpoints.exists()
    assert [one["event"] for one in curve_events(run.curve)] == ["start", "resume", "end"]


def test_a_checkpoint_in_the_middle_of_an_epoch_is_as_good(
    whole: TrainingResult, tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sft.checkpoints, "EVERY_SECONDS", 0.0)
    run = _break_off(tmp_path, tiny_model_folder, 17)
    found = newest_whole(run.checkpoints)
    assert found is not None and found[1].step == 16, "16 is no multiple of the 3 steps an epoch"
    again = resume_training(job(tmp_path, tiny_model_folder), device="cpu")
    assert again.manifest.sha256 == whole.manifest.sha256


@pytest.mark.parametrize("damage", ["flipped", "cut", "missing", "no seal"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    whole: TrainingResult, tiny_model_folder: Path, tmp_path: Path, damage: str
) -> None:
    run = _break_off(tmp_path, tiny_model_folder, 17)
    newest = checkpoint_of(run.checkpoints, 15)
    path = newest / ("whole.json" if damage == "no seal" else "optimizer.pt")
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "cut":
        path.write_bytes(content[:100])
    else:
        path.unlink()
    found = newest_whole(run.checkpoints)
    assert found is not None and found[1].step == 12
    assert not newest.exists()
    again = resume_training(job(tmp_path, tiny_model_folder), device="cpu")
    assert again.manifest.sha256 == whole.manifest.sha256


def test_patience_goes_on_where_it_was(tiny_model_folder: Path, tmp_path: Path) -> None:
    patient = RECIPE.model_copy(update={"patience": 2, "learning_rate": 1e-5})
    unbroken = train(tmp_path, tiny_model_folder, "unbroken", recipe=patient)
    assert unbroken.manifest.steps == 9, "the first of 12 validations was the best"

    def report(row: dict[str, float]) -> None:
        if row["step"] == 8:
            raise Broken

    with pytest.raises(Broken):
        train(tmp_path, tiny_model_folder, recipe=patient, report=report)
    again = resume_training(job(tmp_path, tiny_model_folder), device="cpu")
    assert again.manifest.steps == 9
    assert again.manifest.sha256 == unbroken.manifest.sha256


def test_a_run_killed_after_its_last_step_is_only_written_down(
    whole: TrainingResult, tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Broken

    with monkeypatch.context() as patched:
        patched.setattr(sft.training, "write_manifest", killed)
        with pytest.raises(Broken):
            train(tmp_path, tiny_model_folder)
    with monkeypatch.context() as patched:
        patched.setattr(sft.training, "_end", killed)
        with pytest.raises(Broken):
            resume_training(job(tmp_path, tiny_model_folder), device="cpu")
    folder = tmp_path / "adapters" / "tiny" / "small"
    written = read_adapter(folder).manifest
    again = resume_training(job(tmp_path, tiny_model_folder), device="cpu")
    assert again.manifest == written
    assert again.manifest.sha256 == whole.manifest.sha256
    assert again.manifest.steps == whole.manifest.steps
    assert RunFolder(tmp_path / "runs" / "small").finished


def test_a_run_whose_corpus_or_base_changed_does_not_go_on(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    run = _break_off(tmp_path, tiny_model_folder, 4)
    with pytest.raises(TrainingError, match=r"run small cannot go on: the corpus tiny changed"):
        run.check_goes_on(corpus_fingerprint="d", base_fingerprint=run.record().base_fingerprint)
    with pytest.raises(TrainingError, match="the base model changed"):
        run.check_goes_on(corpus_fingerprint="c" * 64, base_fingerprint="other")
    (run.checkpoints / "rows.jsonl").unlink()
    with pytest.raises(TrainingError, match="its rows cannot be read"):
        resume_training(job(tmp_path, tiny_model_folder), device="cpu")


_CHILD = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
import torch
torch.set_num_threads(int(sys.argv[6]))  # another number rounds sums otherwise
import test_runs
import sft.checkpoints
sft.checkpoints.EVERY_SECONDS = 0.0
state, model, goes_on = Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5] == "resume"
print("ready", flush=True)
def report(row):
    print(row["step"], flush=True)
job = test_runs.job(state, model)
if goes_on and (job.run_folder / "job.json").exists():
    test_runs.resume_training(job, device="cpu", report=report)
else:
    test_runs.train(state, model, report=report)
"""


def _child(state: Path, model: Path, how: str) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parent.parent
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(root), str(root / "tests"), str(state), str(model), how,
         str(torch.get_num_threads())],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def _kill_at_random_moments(whole: TrainingResult, model: Path, state: Path, times: int) -> None:
    draw = random.Random(times)
    killed = 0
    while killed < times:
        with _child(state, model, "resume") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.stdout.readline()  # past loading, or it would be killed there each time
            time.sleep(draw.uniform(0, 0.8))
            process.kill()
            killed += 1
        run = RunFolder(state / "runs" / "small")
        if run.finished or killed == times:
            if not run.finished:
                resume_training(job(state, model), device="cpu")
            [adapter] = list_adapters(state, "tiny")
            assert adapter.manifest.sha256 == whole.manifest.sha256
            assert adapter_fingerprint(adapter.folder) == whole.manifest.sha256
            best = {(row["step"], "eval_loss" in row) for row in read_curve(run.curve)}
            assert len(best) == len(read_curve(run.curve)), "no row twice"
            for path in sorted(state.rglob("*"), reverse=True):
                if path.is_file() and "models" not in path.parts:
                    path.unlink()
            for path in sorted(state.glob("adapters/*/*")):
                path.rmdir()


def test_kill_9_loses_nothing(
    whole: TrainingResult, tiny_model_folder: Path, tmp_path: Path
) -> None:
    _kill_at_random_moments(whole, tiny_model_folder, tmp_path, times=2)


@pytest.mark.skipif("SFT_VS_RAG_SOAK" not in os.environ, reason="runs in make soak")
def test_kill_9_fifty_times(whole: TrainingResult, tiny_model_folder: Path, tmp_path: Path) -> None:
    _kill_at_random_moments(whole, tiny_model_folder, tmp_path, times=50)


# Stopped


def test_ctrl_c_stops_after_the_step_and_keeps_the_best(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    before = signal.getsignal(signal.SIGINT)

    def report(row: dict[str, float]) -> None:
        if row["step"] == 17:
            os.kill(os.getpid(), signal.SIGINT)

    result = train(tmp_path, tiny_model_folder, report=report)
    assert signal.getsignal(signal.SIGINT) is before
    assert result.manifest.stopped == "stopped from outside at step 18 of 36"
    measured = {row["step"]: row for row in result.curve if "eval_loss" in row}
    kept = measured[result.manifest.scores["validation_step"]]
    assert kept["eval_accuracy"] == max(row["eval_accuracy"] for row in measured.values())
    assert result.curve[-1]["step"] == 18
    run = RunFolder(tmp_path / "runs" / "small")
    assert run.finished and unfinished_runs(tmp_path / "runs", "tiny") == []
    assert [one["event"] for one in curve_events(run.curve)] == ["start", "stop", "end"]


def test_a_second_ctrl_c_leaves_at_once_and_can_be_gone_on_with(
    whole: TrainingResult, tiny_model_folder: Path, tmp_path: Path
) -> None:
    def report(row: dict[str, float]) -> None:
        if row["step"] == 10:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, tiny_model_folder, report=report)
    assert list_adapters(tmp_path, "tiny") == []
    again = resume_training(job(tmp_path, tiny_model_folder), device="cpu")
    assert again.manifest.sha256 == whole.manifest.sha256 and again.manifest.stopped == ""


def test_a_file_stops_a_run_in_another_thread(tiny_model_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "small"

    def report(row: dict[str, float]) -> None:
        if row["step"] == 5:
            request_stop(folder)

    results: list[TrainingResult] = []
    thread = threading.Thread(
        target=lambda: results.append(train(tmp_path, tiny_model_folder, report=report))
    )
    thread.start()
    thread.join()
    assert results[0].manifest.stopped == "stopped from outside at step 6 of 36"
    with pytest.raises(TrainingError, match="has ended already"):
        request_stop(folder)
    with pytest.raises(TrainingError, match="no run other"):
        request_stop(tmp_path / "runs" / "other")


def test_a_stop_before_any_validation_keeps_what_there_is(
    tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Stopper.__init__

    def asked(self: Stopper, run: RunFolder) -> None:
        plain(self, run)
        self.asked = True

    monkeypatch.setattr(Stopper, "__init__", asked)
    result = train(tmp_path, tiny_model_folder)
    assert result.manifest.steps == 1 and "validation_loss" not in result.manifest.scores
    assert len(list_adapters(tmp_path, "tiny")) == 1


# One at a time


def test_a_second_training_is_refused_with_the_first_ones_progress(tmp_path: Path) -> None:
    first = RunFolder(tmp_path / "first")
    first.note("start", {"step": 0, "steps": 40})
    first.note("anything", {"step": 12})
    with one_training(tmp_path, "first"):
        assert going_on(tmp_path) == "first"
        with (
            pytest.raises(TrainingError, match=r"training first is going on since .*step 12 of 40"),
            one_training(tmp_path, "second"),
        ):
            pass
    assert going_on(tmp_path) is None
    with one_training(tmp_path, "second"):
        assert going_on(tmp_path) == "second"


def test_a_second_training_can_wait(tmp_path: Path) -> None:
    order, told = [], threading.Event()

    def second() -> None:
        with one_training(tmp_path, "second", wait=True, tell=lambda _: told.set()):
            order.append("second")

    thread = threading.Thread(target=second)
    with one_training(tmp_path, "first"):
        thread.start()
        assert told.wait(20)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]


def test_a_killed_training_blocks_nobody(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom filelock import FileLock\n"
        "lock = FileLock(Path(sys.argv[1]) / '.training.lock')\nlock.acquire()\n"
        "print('held', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline().strip() == b"held"
        with (
            pytest.raises(TrainingError, match="Another training is going on"),
            one_training(tmp_path, "mine"),
        ):
            pass
        process.kill()
    with one_training(tmp_path, "mine"):
        assert not FileLock(tmp_path / ".training.lock").is_locked


def test_what_an_ended_run_left_is_swept(tmp_path: Path) -> None:
    for name in ("ended", "broken"):
        (tmp_path / name / "checkpoints").mkdir(parents=True)
    RunFolder(tmp_path / "ended").end({"ended": "finished"})
    remove_leftovers(tmp_path)
    assert not (tmp_path / "ended" / "checkpoints").exists()
    assert (tmp_path / "broken" / "checkpoints").exists()


# Followed, and full memory


def test_the_curve_can_be_read_while_it_is_written(tiny_model_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "runs" / "small" / "curve.jsonl"
    seen: list[list[dict[str, float]]] = []
    with _child(tmp_path, tiny_model_folder, "new") as process:
        while process.poll() is None:
            if path.is_file():
                seen.append(read_curve(path))
            time.sleep(0.02)
    assert process.returncode == 0
    end = read_curve(path)
    assert all(part == end[: len(part)] for part in seen), "only ever added to"
    assert len({len(part) for part in seen}) > 2, "row by row"


def test_a_line_cut_by_a_kill_spoils_no_other(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.note("start", {"step": 0, "steps": 4})
    with open(run.curve, "ab") as file:
        file.write(b'{"step": 1, "lo')
    run.note("resume", {"step": 0, "steps": 4})
    assert [line["event"] for line in read_lines(run.curve)] == ["start", "resume"]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
    ids=["cuda", "mps", "cpu", "python"],
)
def test_full_memory_names_the_knobs(error: Exception) -> None:
    with (
        pytest.raises(
            TrainingError, match=r"accumulation \(now 1\).*batch_size \(now 2\).*max_tok"
        ),
        memory_named(RECIPE),
    ):
        raise error


def test_another_error_is_not_taken_for_full_memory() -> None:
    with pytest.raises(RuntimeError, match="shapes"), memory_named(RECIPE):
        raise RuntimeError("shapes do not fit")
