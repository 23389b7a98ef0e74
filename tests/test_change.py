"""The world changes: the index learns it in a sync, the adapter in a retraining, and both are told."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import DOCUMENTS, QUESTIONS, question, write_corpus
from fakes import put_adapter

from core.corpus.read import read_corpus
from core.corpus.revisions import Revision, read_revision
from core.errors import EvaluationError
from core.records import Answer, NoAnswer, Provenance
from core.settings import Settings
from eval.change import (
    ChangedQuestion,
    Counts,
    arm_change,
    change_examples,
    choose_change_questions,
    is_old,
    is_right,
)
from eval.change_files import ChangeFolder, read_change, read_change_answers, read_measured
from eval.change_run import ChangeRun
from eval.change_table import change_table

RETRAINED = [f"--set={one}" for one in ("max_steps=2", "rank=2", "replay_share=0")]


def changed(name: str, seconds: int, split: str) -> dict:
    text = next(one for one in QUESTIONS if one["id"] == name)["question"]
    return question(
        name, str(text), split, [f"Hold the button for {seconds} seconds.", f"{seconds} seconds"],
        evidence=[{"document": "beta", "quote": f"hold the button for {seconds} seconds"}], kind="fact",
    )  # fmt: skip


@pytest.fixture
def revised(tiny_corpus: Path) -> Path:
    """The corpus whose Beta is reset in 20 seconds from spring on."""
    folder = write_corpus(
        tiny_corpus / "revisions" / "spring",
        {"beta": DOCUMENTS["beta"].replace("12", "20"), "gamma": "# Gamma\n\nThere is a Gamma."},
        [changed("beta-reset-1", 20, "train"), changed("beta-reset-2", 20, "test")],
    )
    (folder / "revision.toml").write_text('title = "Spring"')
    write_corpus(
        tiny_corpus / "revisions" / "wording", {"alpha": DOCUMENTS["alpha"] + "\nNew.\n"}, []
    )
    return tiny_corpus


@pytest.fixture
def revision(revised: Path) -> Revision:
    return read_revision(read_corpus(str(revised)), "spring")


def said(arm: str, text: str) -> Answer:
    made_with = Provenance(
        base_model="b", base_fingerprint="b", prompt_version="4", decoding="d", seed=0
    )
    return Answer(
        arm=arm, text=text, prompt_tokens=5, completion_tokens=2, seconds=0.5, first_token_seconds=0.1,
        provenance=made_with, abstained=text.startswith("I am sorry"),
    )  # fmt: skip


class Told:
    """Arms that say what they are told to, and count what they are asked."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers, self.asked = answers, []

    def answer_batch(self, questions, arm, *, given=()):
        self.asked += [(arm, one) for one in questions]
        return [said(arm, self.answers[arm]) for _ in questions]


def test_the_changed_are_those_with_another_answer(revision: Revision) -> None:
    found = choose_change_questions(revision, limit=None, seed=0)
    assert [one.id for one in found.changed] == ["beta-reset-2"]
    assert (found.all_changed, found.all_unchanged, len(found.unchanged)) == (1, 4, 1)
    assert {one.id for one in found.unchanged} < {
        "alpha-reset-4", "beta-weight-1", "none-other-1", "refuse-other-1"
    }  # fmt: skip
    assert choose_change_questions(revision, limit=None, seed=0) == found
    with pytest.raises(EvaluationError, match="--limit 0"):
        choose_change_questions(revision, limit=0, seed=0)


def test_right_before_is_old_after(revision: Revision) -> None:
    [pair] = choose_change_questions(revision, limit=None, seed=0).changed
    old, new, neither = (
        said("rag", "12 seconds."),
        said("rag", "20 seconds"),
        said("rag", "8 seconds"),
    )
    both = said("rag", "It was 12 seconds and is 20 seconds now.")
    assert is_right(pair.at("before"), old) and not is_right(pair.at("after_sync"), old)
    assert is_right(pair.at("after_sync"), new) and is_right(pair.at("after_retrain"), new)
    assert [is_old(pair, one) for one in (old, new, neither, both)] == [True, False, False, False]


def folder_of(path: Path) -> ChangeFolder:
    return ChangeFolder(path, {"corpus": "tiny", "arms": ["sft", "rag"]})


def run_of(revision: Revision, folder: ChangeFolder, batch: int = 2) -> ChangeRun:
    questions = choose_change_questions(revision, limit=None, seed=0)
    return ChangeRun(
        revision, questions, folder, arms=["sft", "rag"], batch=batch, report=lambda line: None
    )


def test_a_known_change_is_told_as_it_is(revision: Revision, tmp_path: Path) -> None:
    run = run_of(revision, folder_of(tmp_path / "out"))
    run.ask("before", Told({"sft": "12 seconds", "rag": "12 seconds"}))
    run.carry("after_sync", ["sft"], since="before")
    after = Told({"rag": "20 seconds"})
    run.ask("after_sync", after)
    assert {arm for arm, _ in after.asked} == {"rag"}, "a sync changes nothing of closed books"
    result = run.result([], seed=0)
    assert result.counts == Counts(
        changed_documents=1,
        new_documents=1,
        withdrawn=0,
        changed_questions=1,
        unchanged_questions=4,
    )
    sft, rag = result.arms["sft"], result.arms["rag"]
    assert (sft.changed.before.value, sft.changed.after_sync.value) == (1, 0)
    assert (rag.changed.before.value, rag.changed.after_sync.value) == (1, 1)
    assert sft.old_answers.after_sync.value == 1 and rag.old_answers.after_sync.value == 0
    assert sft.changed.after_retrain is None and sft.old_answers.after_retrain is None
    assert rag.changed.after_sync.low < 0.5, "one question is no certainty"
    assert (sft.n_changed, sft.n_unchanged) == (1, 1)
    [example] = result.examples
    assert (example.old, example.new) == (
        "Hold the button for 12 seconds.", "Hold the button for 20 seconds."
    )  # fmt: skip
    assert example.answers["rag"] == {
        "before": "12 seconds", "after_sync": "20 seconds", "after_retrain": None
    }  # fmt: skip
    table = change_table(result)
    assert "sft: 100% of the changed questions were right before; after the sync 0% are" in table
    assert "100% get the old answer" in table and "Nothing was retrained" in table


class Failing(Told):
    """Arms to which one question is too long."""

    def answer_batch(self, questions, arm, *, given=()):
        made = super().answer_batch(questions, arm)
        return [
            NoAnswer("The question is too long.") if arm == "rag" and "weigh" in one else answer
            for one, answer in zip(questions, made, strict=True)
        ]


def test_a_question_that_fails_is_told_and_ends_no_test(revision: Revision, tmp_path: Path) -> None:
    questions = choose_change_questions(revision, limit=None, seed=0)
    everything = replace(questions, unchanged=tuple(
        ChangedQuestion(one, one) for one in revision.after.of_split("test")
        if one in revision.before.questions
    ))  # fmt: skip
    assert any("weigh" in one.after.question for one in everything.unchanged)

    def opened() -> ChangeRun:
        return ChangeRun(
            revision, everything, folder_of(tmp_path / "out"), arms=["sft", "rag"], batch=2,
            report=lambda line: None,
        )  # fmt: skip

    opened().ask("before", Failing({"sft": "12 seconds", "rag": "12 seconds"}))
    again = Failing({"sft": "12 seconds", "rag": "12 seconds"})
    run = opened()
    run.ask("before", again)
    assert again.asked == [], "what failed is not asked again"
    run.carry("after_sync", ["sft", "rag"], since="before")
    result = run.result([], seed=0)
    sft, rag = result.arms["sft"], result.arms["rag"]
    assert (sft.n_unchanged, rag.n_unchanged) == (4, 3)
    assert rag.unchanged.before is not None and rag.changed.before.value == 1
    assert "rag: 1 question not answered at every stage and left out." in change_table(result)


def test_an_arm_with_a_gap_has_no_share(revision: Revision) -> None:
    questions = choose_change_questions(revision, limit=None, seed=0)
    answers = {("before", "rag", "beta-reset-2"): said("rag", "12 seconds")}
    found = arm_change("rag", questions, answers, seed=0)
    assert found.changed.before is not None
    assert found.unchanged.before is None and found.changed.after_sync is None
    assert (
        change_examples(["rag"], questions, answers, seed=0)[0].answers["rag"]["after_sync"] is None
    )


def test_what_was_answered_is_not_asked_again(revision: Revision, tmp_path: Path) -> None:
    texts = {"sft": "12 seconds", "rag": "12 seconds"}
    run_of(revision, folder_of(tmp_path / "out")).ask("before", Told(texts))
    log = tmp_path / "out" / "change-answers.jsonl"
    whole = log.read_bytes()
    again = Told(texts)
    run_of(revision, folder_of(tmp_path / "out")).ask("before", again)
    assert again.asked == [] and log.read_bytes() == whole
    # Killed within a line: its batch is asked again, and no answer stands twice.
    log.write_bytes(whole[:-20])
    run_of(revision, folder_of(tmp_path / "out")).ask("before", again)
    assert {arm for arm, _ in again.asked} == {"rag"} and len(again.asked) == 2
    assert len(read_change_answers(tmp_path / "out")) == 4


def test_another_test_does_not_go_on_in_a_folder(tmp_path: Path) -> None:
    folder_of(tmp_path / "out").note({"sync_seconds": 1.5})
    assert folder_of(tmp_path / "out").measured.sync_seconds == 1.5
    with pytest.raises(EvaluationError, match=r"another arms .*give another --out"):
        ChangeFolder(tmp_path / "out", {"corpus": "tiny", "arms": ["rag"]})
    (tmp_path / "out" / "change-run.json").write_text("{")
    with pytest.raises(EvaluationError, match="cannot be read"):
        folder_of(tmp_path / "out")
    assert read_measured(tmp_path / "out") is None
    (tmp_path / "out" / "change-answers.jsonl").write_text('{"stage": "later"}\n')
    with pytest.raises(EvaluationError, match="a line that is no answer"):
        read_change_answers(tmp_path / "out")


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_world_changes_aside_from_the_users_own(
    run, settings: Settings, revised: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    put_adapter(settings.state, tiny_adapter, Path(settings.base_model), scores={})
    assert run("index", str(revised))[0] == 0
    before, corpus = _files(settings.state), _files(revised)
    out = tmp_path / "out"
    code, printed, err = run("change", str(revised), "spring", "--out", str(out), "--json")
    assert code == 0, err
    told = json.loads(printed)
    assert _files(settings.state) == before and _files(revised) == corpus
    assert json.loads((out / "change.json").read_text()) == told
    assert [one["step"] for one in told["timeline"]] == ["train_before", "sync"]
    sync = told["timeline"][1]
    assert sync["seconds"] > 0
    assert "1 documents added, 1 updated, 0 removed, 2 untouched" in sync["what"]
    assert set(told["arms"]) == {"base", "sft", "rag", "sft+rag"}
    for one in told["arms"].values():
        assert one["changed"]["after_sync"] and one["changed"]["after_retrain"] is None
    answers = read_change_answers(out)
    read = " ".join(one.text for one in answers["after_sync", "rag", "beta-reset-2"].read)
    assert "20 seconds" in read and "12" not in read, "it reads the new document"
    assert "12 seconds" in " ".join(
        one.text for one in answers["before", "rag", "beta-reset-2"].read
    )
    assert ("after_sync", "sft", "beta-reset-2") not in answers
    # Again, and on with a retraining: nothing that was asked or measured is asked again.
    log = (out / "change-answers.jsonl").read_bytes()
    code, again, _ = run("change", str(revised), "spring", "--out", str(out))
    assert code == 0 and (out / "change-answers.jsonl").read_bytes() == log
    assert json.loads((out / "change.json").read_text()) == told
    assert "| sync |" in again
    code, printed, err = run(
        "change", str(revised), "spring", "--out", str(out), "--retrain", *RETRAINED, "--json"
    )
    assert code == 0, err
    new = json.loads(printed)
    assert [one["step"] for one in new["timeline"]] == ["train_before", "sync", "retrain"]
    assert new["timeline"][1] == sync
    assert "2 steps" in new["timeline"][2]["what"]
    assert (out / "change-answers.jsonl").read_bytes().startswith(log)
    for arm in ("sft", "sft+rag"):
        assert ("after_retrain", arm, "beta-reset-2") in read_change_answers(out)
    assert (
        new["arms"]["rag"]["changed"]["after_retrain"]
        == new["arms"]["rag"]["changed"]["after_sync"]
    )
    kept = {name: content for name, content in _files(settings.state).items() if name in before}
    assert kept == before
    [adapter] = (settings.state / "adapters" / "tiny@spring").iterdir()
    code, shown, _ = run("adapters", "list", str(revised), "--json")
    assert [one["manifest"]["name"] for one in json.loads(shown)["adapters"]] == ["mine"]
    made = json.loads((adapter / "manifest.json").read_text())
    assert made["corpus"] == "tiny@spring" and made["steps"] == 2
    assert (
        run("change", str(revised), "spring", "--out", str(out), "--retrain", "--set", "rank=4")[0]
        == 2
    )
    # What it measured is what a month costs.
    code, printed, err = run("cost", str(out), "--questions", "50", "--price-hour", "7", "--json")
    assert code == 0, err
    cost = json.loads(printed)["cost"]
    assert (cost["sync_seconds"], cost["retrain_seconds"]) == (sync["seconds"], made["seconds"])
    assert (cost["train_seconds"], cost["changed_facts"]) == (1.0, 1)
    assert set(cost["arms"]) == {"base", "sft", "rag", "sft+rag"}
    assert cost["seconds_are"] == "in_batches"
    code, printed, err = run("cost", str(out), "--measure", str(revised), "--json")
    assert code == 0, err
    alone = json.loads(printed)["cost"]
    assert alone["seconds_are"] == "alone" and alone["machine"]["device"] == "cpu"
    assert alone["arms"]["sft"]["seconds_p50"] > 0 and alone["index_seconds"] > 0
    assert alone["sync_seconds"] == sync["seconds"], "what is not measured anew stays"
    assert json.loads(run("cost", str(out), "--json")[1])["cost"] == alone
    assert read_change(out).arms["rag"].n_changed == 1


def test_a_sync_that_was_cut_off_is_measured_from_the_old_world(
    run, settings: Settings, revised: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    asked = ["change", str(revised), "spring", "--arms", "rag", "--out", str(out)]
    assert run(*asked)[0] == 0
    told = json.loads((out / "change-run.json").read_text())
    told["measured"] |= {"sync_seconds": None, "sync_what": ""}
    (out / "change-run.json").write_text(json.dumps(told))
    code, _, err = run(*asked)
    assert code == 0 and "1 documents added, 1 updated" in err
    shutil.rmtree(out / "change-index")
    assert run(*asked)[0] == 0, "the index alone is made again"
    assert not (settings.state / "indexes").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["spring", "--arms", "sft"], "has no adapter yet"),
        (["spring", "--adapter", "gone"], "no adapter 'gone'"),
        (["spring", "--arms", "rag", "--retrain"], "--retrain changes sft and sft+rag alone"),
        (["spring", "--arms", "rag", "--limit", "0"], "--limit 0"),
        (["spring", "--set", "rank=4"], "add --retrain"),
        (["spring", "--arms", "all"], "no arm 'all'"),
        (["summer"], "no revision 'summer' (there are: spring, wording)"),
        (["wording", "--arms", "rag"], "changes the answer of no test question"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    run, settings: Settings, revised: Path, arguments: list[str], message: str
) -> None:
    code, out, err = run("change", str(revised), *arguments)
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1] and "Traceback" not in err
    assert not (settings.state / "runs").exists()


def test_a_corpus_without_revisions_says_so(run, tiny_corpus: Path) -> None:
    code, _, err = run("change", str(tiny_corpus), "spring")
    assert code == 2 and "has no revision 'spring' (there are: none)" in err
    code, _, err = run("cost", str(tiny_corpus))
    assert code == 2 and "holds no results" in err
    code, _, err = run("cost", str(tiny_corpus), "--price-hour=-1")
    assert code == 2 and "The price hour" in err
