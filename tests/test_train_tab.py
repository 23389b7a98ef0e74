"""What the Train tab shows and does, without a browser; the jobs are real processes."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from run_folders import FORGETTING

from core.corpus.findings import Finding
from core.errors import AdapterError, TrainingError
from core.settings import Settings
from eval.forgetting import Forgetting
from sft.adapters import AdapterState
from sft.manifest import AdapterManifest
from sft.one_training import one_training
from sft.recipe import Recipe, load_recipe
from sft.run_folder import RunFolder, RunRecord, curve_events, unfinished_runs
from ui.page import build_page
from ui.train_adapters import AdapterView, adapters_table, comparison, forgetting_table, verdict
from ui.train_curve import curve_figures
from ui.train_data import data_summary, findings_list
from ui.train_recipe import KNOBS, Knobs, choices, knobs_of
from ui.train_run import newest_run, read_run, status
from ui.train_screen import Screen
from ui.train_tuning import tuning_report
from ui.trainings import Going, Trainings
from workbench import Workbench

HOSTILE = '<img src=x onerror="alert(1)"> & co'
PLAIN = Knobs("lora", 10, "", 16, 0.6)
#: A training that is over before anybody could stop it, and one that is not.
QUICK = ["open_book_share=0", "replay_share=0", "max_steps=4", "rank=2"]
LONG = ["open_book_share=0", "replay_share=0", "epochs=100", "patience=0", "rank=2", "batch_size=1"]


def test_the_knobs_make_a_recipe_and_a_recipe_the_knobs() -> None:
    assert load_recipe(changes=PLAIN.changes()) == Recipe()
    knobs = Knobs("full", 3, " 2e-4 ", 8, 0.25, "dropout=0.1\n# a word\n\nrank=64")
    made = load_recipe(changes=knobs.changes())
    assert (made.method, made.epochs, made.learning_rate) == ("full", 3, 2e-4)
    assert (made.open_book_share, made.dropout) == (0.25, 0.1)
    assert made.rank == 64, "what is written out wins over its knob"
    assert load_recipe(changes=Knobs("lora", 3, "", 8, 0.5).changes()).lora_alpha == 16
    odd = Recipe(rank=4, lora_alpha=99, target_modules=("q_proj", "v_proj"), rslora=True, epochs=2)
    assert load_recipe(changes=knobs_of(odd).changes()) == odd
    held = Knobs("lora", 3, "1e-3", 8, 0.5, "epochs=2").held()
    assert held == ["method=lora", "open_book_share=0.5", "epochs=2"], "tuning tries the others"


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        (Knobs("lora", 10, "fast", 16, 0.6), "learning_rate is not usable"),
        (Knobs("lora", 10, "", 16, 0.6, "dropout 0.1"), "write KEY=VALUE"),
        (Knobs("lora", 10, "", 16, 0.6, "speed=9"), "speed is not usable"),
        (Knobs("lora", 10, "", 16, 0.6, "target_modules=lm_head"), "never lm_head"),
    ],
)
def test_a_value_that_cannot_be_used_is_a_sentence(knobs: Knobs, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        knobs.changes()


def test_every_choice_is_described_by_its_own_source() -> None:
    found = {one.name: one for one in choices()}
    assert list(found) == list(Recipe.model_fields)
    assert "NEFTune" in found["neftune"].words and found["neftune"].default == "0.0"
    assert found["dropout"].group == "How it is trained"
    assert set(KNOBS) <= set(found)


def test_the_data_is_counted_and_what_was_found_has_its_fix(
    settings: Settings, tiny_corpus: Path
) -> None:
    corpus = Workbench(settings).corpus(str(tiny_corpus))
    page = data_summary(corpus)
    assert "<b>11</b> questions" in page and "<b>3</b> documents" in page
    assert '<th scope="row">facts</th><td>3</td><td>1</td><td>3</td><td>7</td>' in page
    finding = Finding(severity="warning", rule="x", place=HOSTILE, message=HOSTILE, fix="mend it")
    page = findings_list([finding] * 50)
    assert "<img" not in page and "→ mend it." in page and "10 more" in page
    assert "! 50 warnings" in page and page.count("<li>") == 40
    assert "✓ Nothing was found" in findings_list([])


ROWS = [
    {"step": 5, "epoch": 1, "loss": 2.0}, {"step": 10, "epoch": 2, "loss": float("nan")},
    {"step": 10, "epoch": 2, "eval_loss": 1.5, "eval_accuracy": 0.5, "eval_exact": 0.2},
    {"step": 20, "epoch": 4, "loss": 0.7},
    {"step": 20, "epoch": 4, "eval_loss": 1.9, "eval_accuracy": 0.4, "eval_exact": 0.2},
]  # fmt: skip


def test_the_curve_has_its_axes_its_legend_and_its_best_step() -> None:
    drawn = curve_figures(ROWS, 40)
    loss, shares = drawn.split("<figure>")[1:]
    assert "nats a token" in loss and ">training<" in loss and ">validation<" in loss
    assert "share answered right" in shares and ">answered right<" in shares
    assert loss.count("best: step 10") == 1 and shares.count("best: step 10") == 1
    assert loss.count("<polyline") == 2 and "nan" not in drawn.lower()
    assert "10 (kept)" in drawn and ">40</text>" in loss, "the axis is as long as the plan"
    assert "Nothing was measured yet" in curve_figures(ROWS[:1], 40)
    assert "<figure>" in curve_figures([], 0)


def _run(runs: Path, name: str = "tiny-1", *, begun: datetime, corpus: str = "tiny") -> RunFolder:
    run = RunFolder(runs / name)
    record = RunRecord(
        name="desk", corpus=corpus, corpus_fingerprint="c", base_model="m", base_fingerprint="b",
        prompt_version="4", started=begun.isoformat(timespec="seconds"), rows=8, validation_rows=20,
    )  # fmt: skip
    run.begin(Recipe(), record)
    start = {"event": "start", "time": begun.isoformat(timespec="seconds"), "step": 0, "steps": 40}
    run.curve.write_text("".join(json.dumps(row) + "\n" for row in [start, *ROWS]))
    return run


def test_a_run_says_how_far_it_is_and_how_it_ended(tmp_path: Path) -> None:
    at = datetime.now(UTC)
    folder = _run(tmp_path, begun=at - timedelta(seconds=40))
    _run(tmp_path, "tiny-0", begun=at - timedelta(hours=1))
    _run(tmp_path, "other-1", begun=at, corpus="other")
    found = newest_run(tmp_path, "tiny")
    assert found is not None and found.name == "tiny-1"
    run = read_run(folder)
    assert run is not None and (run.step, run.steps) == (20, 40)
    left = run.seconds_left(at)
    assert left is not None and 35 < left < 45, "20 steps took 40 s, 20 are left"
    going = Going("train", "tiny", "", "tiny-1")
    page = status(going, run, failure="", at=at)
    assert "Step 20 of 40" in page and "s left" in page and 'value="20"' in page
    assert "Validation stopped improving at step 10" in page
    wrong = {"eval_accuracy": 0.0, "eval_exact": 0.0}
    begun = replace(run, rows=[row | wrong if "eval_loss" in row else row for row in run.rows])
    early = status(going, begun, failure="", at=at)
    assert begun.reading and begun.reading not in early, "it has not ended: nobody knows yet"
    assert "broken off at step 20 of 40" in status(None, run, failure="", at=at)
    folder.end({"ended": "diverged", "reason": HOSTILE})
    page = status(None, read_run(folder), failure=HOSTILE, at=at)
    assert "It failed" in page and "<img" not in page
    assert "No training was begun" in status(None, None, failure="", at=at)


def _view(name: str, accuracy: float, *, corpus: str = "c", **more: Any) -> AdapterView:
    made = AdapterManifest(
        name=name, corpus="tiny", corpus_fingerprint=corpus, base_model="m", base_fingerprint="b",
        prompt_version="4", recipe=Recipe(), sha256="d" * 64, versions={}, rows=8, steps=4, seconds=65,
        scores={"validation_accuracy": accuracy, "validation_exact": 0.1, "validation_loss": 1.5},
    )  # fmt: skip
    state = AdapterState(
        manifest=made, folder=Path("x"), shipped=False, size=2_500_000,
        active=more.pop("active", False), marks=more.pop("marks", ()),
    )  # fmt: skip
    return AdapterView(state, more.pop("questions", 100), more.pop("forgot", None), made=1.0)


def test_the_newest_is_held_against_the_one_before() -> None:
    assert "may be chance" in verdict(_view("b", 0.62), _view("a", 0.60))
    assert "a is better beyond chance" in verdict(_view("b", 0.3), _view("a", 0.6))
    assert "no difference" in verdict(_view("b", 0.6), _view("a", 0.6))
    assert "different questions" in verdict(_view("b", 0.6), _view("a", 0.3, corpus="other"))
    assert "is not known" in verdict(_view("b", 0.6, questions=0), _view("a", 0.3, questions=0))
    assert comparison([_view("a", 0.5)]) == ""
    page = comparison([_view("b", 0.62), _view("a", 0.60)])
    assert "0.62 <small>[0.52, 0.71]</small>" in page
    forgot = Forgetting.model_validate(FORGETTING)
    views = [_view("b", 0.6, forgot=forgot, active=True, marks=(HOSTILE,)), _view("a", 0.5)]
    page = adapters_table(views) + forgetting_table(views)
    assert "<img" not in page and "★ answers" in page and "2.5 MB" in page
    assert "<td>14 of 60</td><td>4</td>" in page and "not measured yet" in page


def test_a_tuning_is_a_table_and_its_pictures(tmp_path: Path) -> None:
    assert "No recipe was tried" in tuning_report(tmp_path)
    (tmp_path / "trials.md").write_text(
        "# Recipes\n\n| trial | state | rank |\n|---|---|---|\n| 0 | finished | 8 |\n"
        f"| **1** | failed ({HOSTILE}) | 16 |\n\nTrial 1 reached 0.5.\n\n![x](history.svg)\n"
    )
    (tmp_path / "history.svg").write_text("<svg/>")
    page = tuning_report(tmp_path)
    assert '<th scope="row">★ 1</th>' in page and "<p>Trial 1 reached 0.5.</p>" in page
    assert page.count("<img") == 1 and "data:image/svg+xml;base64," in page


@pytest.fixture
def trainings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Trainings:
    """The jobs of a page over the two-layer model; the processes inherit its settings."""
    for name in ("state", "base_model", "device", "dtype", "max_new_tokens"):
        monkeypatch.setenv(f"SFT_VS_RAG_{name.upper()}", str(getattr(settings, name)))
    return Trainings(Workbench(settings))


def _until(true: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.2)


def test_one_at_a_time_is_trained_stopped_and_kept(trainings: Trainings, tiny_corpus: Path) -> None:
    corpus = str(tiny_corpus)
    with pytest.raises(TrainingError, match="nothing to stop"):
        trainings.stop()
    with pytest.raises(AdapterError, match="cannot name an adapter"):
        trainings.train(corpus, LONG, name="../x", forgetting=False)
    trainings.train(corpus, LONG, name="long", forgetting=False)
    with pytest.raises(TrainingError, match="Only one runs at a time"):
        trainings.train(corpus, QUICK, name="second", forgetting=False)
    _until(
        lambda: (going := trainings.going()) and going.run and "step 20/" in trainings.log("tiny")
    )
    # Another page over the same state, as after a restart, sees it, refuses, and stops it.
    other = Trainings(Workbench(trainings.workbench.settings))
    going = other.going()
    assert going is not None and (going.corpus, going.own) == ("tiny", False)
    with pytest.raises(TrainingError, match=r"going on since .* \(step \d+ of"):
        other.tune(corpus, [], trials=1, restart=False)
    shown = Screen(other).update(corpus, {}, None)
    assert "A training of tiny is going on" in shown[0] and "<polyline" in shown[1]
    assert shown[3].interactive is False and shown[5].interactive is True
    again = Screen(other).update(corpus, shown[-1], None)
    assert again[6] == gr.skip(), "what did not change is not sent again"
    assert "keeps its best weights" in other.stop()
    _until(lambda: trainings.going() is None)
    [made] = trainings.workbench.adapters(corpus)
    assert made.manifest.name == "long" and "stopped from outside" in made.manifest.stopped
    assert trainings.failure("tiny") == ""
    shown = Screen(other).update(corpus, {}, None)
    assert "Stopped, and kept" in shown[0] and "long" in shown[6]
    with pytest.raises(TrainingError, match="There is an adapter 'long' already"):
        trainings.train(corpus, QUICK, name="long", forgetting=False)


def test_a_job_that_fails_says_why_and_one_that_broke_off_goes_on(
    trainings: Trainings, tiny_corpus: Path
) -> None:
    corpus = str(tiny_corpus)
    trainings.train(corpus, [*QUICK, "target_modules=nothing"], name="bad", forgetting=False)
    _until(lambda: trainings.going() is None)
    _until(lambda: trainings.failure("tiny") != "", 10)
    assert "has no layer" in Screen(trainings).update(corpus, {}, None)[0]
    with pytest.raises(TrainingError, match="no broken-off training"):
        trainings.resume(corpus)
    trainings.train(corpus, LONG, name="killed", forgetting=False)
    _until(lambda: "step 20/" in trainings.log("tiny"))
    assert trainings._process is not None
    trainings._process.kill()
    _until(lambda: trainings.going() is None)
    [run] = unfinished_runs(trainings.runs, "tiny")
    shown = Screen(trainings).update(corpus, {}, None)
    assert "Broken off" in shown[0] and shown[4].visible is True
    trainings.resume(corpus)
    _until(lambda: (going := trainings.going()) and going.run == run.name)
    _until(lambda: any(one["event"] == "resume" for one in curve_events(run.curve)))
    trainings.stop()
    _until(lambda: trainings.going() is None)
    assert [one.manifest.name for one in trainings.workbench.adapters(corpus)] == ["killed"]


def test_what_the_terminal_trains_is_seen(trainings: Trainings, tiny_corpus: Path) -> None:
    with one_training(trainings.runs, "tune-tiny"):
        going = trainings.going()
        assert going is not None and (going.kind, going.corpus) == ("tune", "tiny")
        with pytest.raises(TrainingError, match="The tuning of tiny is going on"):
            trainings.tune(str(tiny_corpus), [], trials=2, restart=False)
        with pytest.raises(TrainingError, match="stop it where it runs"):
            trainings.stop()
    assert trainings.going() is None


def test_strangers_can_start_nothing(settings: Settings) -> None:
    def labels(public: bool) -> list[str]:
        page = build_page(Workbench(settings.model_copy(update={"public_demo": public})))
        return [str(one.value) for one in page.blocks.values() if isinstance(one, gr.Button)]

    assert {"Train", "Stop", "Activate", "Try recipes"} <= set(labels(False))
    assert not {"Train", "Stop", "Activate", "Try recipes", "Measure forgetting"} & set(
        labels(True)
    )
