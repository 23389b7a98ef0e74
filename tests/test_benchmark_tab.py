"""What the Benchmark tab tells of a run, and the runs that are started from the page."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_folders import EVERYTHING, make_run

from core.errors import EvaluationError, ProjectError
from core.settings import Settings
from eval.report_data import Run, read_run
from eval.run_files import ANSWERS_FILE
from ui.benchmark_data import Duel, Filter, duels, slices
from ui.benchmark_new_run import progress_bar
from ui.benchmark_question import whole_question
from ui.benchmark_runs import Runs
from ui.benchmark_table import question_table, slice_table
from ui.benchmark_words import alike, merged, side_by_side
from ui.evaluations import Evaluations, Standing
from ui.run_offers import SHIPPED
from workbench import Workbench

HOSTILE = "<img src=x onerror=alert(1)> & co"


@pytest.fixture
def lamps(tmp_path: Path) -> Run:
    return read_run(make_run(tmp_path / "lamps", parts=EVERYTHING))


def test_who_won_follows_from_who_was_right(lamps: Run) -> None:
    # sft RRWRRWWWRWWD against rag RRRRWRDWRRDD; the last two are to be declined.
    won = [duel.winner for duel in duels(lamps, "sft", "rag")]
    assert won == [
        "right", "right", "b", "right", "a", "b", "wrong", "wrong", "right", "b", "b", "right",
    ]  # fmt: skip
    turned = [duel.winner for duel in duels(lamps, "rag", "sft")]
    assert turned.count("a") == won.count("b") == 4
    assert {duel.winner for duel in duels(lamps, "sft", "nobody")} == {"unanswered"}


def test_each_filter_takes_what_it_names(lamps: Run) -> None:
    found = duels(lamps, "sft", "rag")

    def ids(asked: Filter) -> list[str]:
        return [duel.id for duel in found if asked.takes(duel)]

    assert len(ids(Filter())) == 12
    assert ids(Filter(kind="unanswerable")) == ["q10", "q11"]
    assert ids(Filter(winner="a")) == ["q4"]
    assert ids(Filter(winner="b", exposure="reworded")) == ["q5", "q9"]
    # A cause of either arm; words anywhere, in any order and case.
    assert ids(Filter(cause="passage_not_used")) == ["q4", "q6", "q7"]
    assert ids(Filter(search="LAMP hold 7?")) == ["q7"]
    assert ids(Filter(search="zebra"))[0] == "q2"
    assert ids(Filter(search="27 seconds")) == ["q7"]
    assert ids(Filter(search="nowhere")) == []


def test_slices_count_every_question_once_and_tell_the_runs_verdict() -> None:
    shipped = Runs(None).read("halden", SHIPPED)
    found = duels(shipped, "sft", "rag")
    cut = {one.name: one for one in slices(shipped, found, "sft", "rag")}
    whole = cut["all"]
    assert whole.n == len(found) == 509
    assert sum(one.n for name, one in cut.items() if name in {row.kind for row in found}) == 509
    test = next(
        one for one in shipped.summary["comparisons"]
        if one["metric"] == "accuracy" and {one["a"], one["b"]} == {"sft", "rag"}
    )  # fmt: skip
    assert (whole.counts["a"], whole.counts["b"]) == (test["wins"], test["losses"])
    assert whole.better == {"better": "a", "worse": "b"}.get(test["verdict"], "none")
    assert whole.wins_a["low"] <= whole.counts["a"] / 509 <= whole.wins_a["high"]
    # Turned around, the other arm is the better one.
    turned = slices(shipped, duels(shipped, "rag", "sft"), "rag", "sft")[0]
    assert {whole.better, turned.better} in ({"a", "b"}, {"none"})
    assert cut["refusal"].small
    assert not whole.small
    assert "few" in slice_table(list(cut.values()), "sft", "rag")


def test_a_run_of_few_questions_says_so_everywhere(lamps: Run) -> None:
    cut = slices(lamps, duels(lamps, "sft", "rag"), "sft", "rag")
    assert all(one.small for one in cut)
    page = slice_table(cut, "sft", "rag")
    assert "SFT won 1, both right 5, both wrong 2, RAG won 4" in page
    assert page.count('class="few"') == len(cut)


def test_words_that_differ_are_marked() -> None:
    first, second = side_by_side("Hold it for 8 seconds.", "hold it for twelve seconds")
    assert first == "Hold it for <del>8</del> seconds."
    assert second == "hold it for <ins>twelve</ins> seconds"
    assert merged("a b c", "a c d") == "a <del>b</del> c <ins>d</ins>"
    assert not alike("a zebra", "nothing else")
    assert side_by_side("<b>", "<b> <i>")[1] == "&lt;b&gt; <ins>&lt;i&gt;</ins>"


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    run = read_run(
        make_run(tmp_path / "bad", parts=EVERYTHING, words={("sft", 0): HOSTILE, ("rag", 0): "x"})
    )
    duel = duels(run, "sft", "rag")[0]
    worst = Duel(
        **{**vars(duel), "id": f'"{HOSTILE}', "question": HOSTILE, "references": (HOSTILE,)}
    )
    page = question_table([worst], "sft", "rag") + whole_question(worst, "sft", "rag")
    assert "<img" not in page
    assert page.count("&lt;img") == 7
    assert 'data-pick="&quot;&lt;img' in page


def test_a_question_is_told_whole(lamps: Run) -> None:
    duel = duels(lamps, "sft", "rag")[4]
    page = whole_question(duel, "sft", "rag")
    assert "SFT won" in page
    assert "24 seconds" in page
    assert "“Hold it for 24 seconds.”" in page
    assert "right passage there, not used" in page
    assert "holds the evidence" in page
    neither = whole_question(duels(lamps, "sft", "base")[4], "sft", "base")
    assert "Neither of these arms looks anything up" in neither
    assert "the same, word for word" in neither


def test_runs_of_a_corpus_are_found_and_nothing_outside_them(tmp_path: Path) -> None:
    state = tmp_path / "state"
    make_run(state / "runs" / "one", parts=EVERYTHING)
    make_run(state / "runs" / "broken", parts=EVERYTHING)
    (state / "runs" / "broken" / "run.json").write_text("{")
    runs = Runs(state / "runs")
    assert [name for _, name in runs.choices("lamps")] == ["one"]
    assert runs.first("lamps") == "one"
    assert runs.read("lamps", "one") is runs.read("lamps", "one")
    for name in ("broken", "../runs/one", "nothing", SHIPPED):
        with pytest.raises(EvaluationError):
            runs.read("lamps", name)
    # Strangers see what ships, and only that.
    assert Runs(None).choices("lamps") == []
    assert [name for _, name in Runs(None).choices("halden")] == [SHIPPED]
    # A run that changed is read anew.
    before = runs.read("lamps", "one")
    (state / "runs" / "one" / "results.jsonl").write_text("")
    assert runs.read("lamps", "one") is not before


class Broken(Workbench):
    """Lets somebody press stop once so many answers are there."""

    pressed: Callable[[], None] | None = None

    def evaluate(self, reference: str, **given: Any) -> Any:
        report = given.pop("report")

        def heard(done: int, of: int, left: float | None) -> None:
            if done and self.pressed:
                self.pressed()
            report(done, of, left)

        return super().evaluate(reference, report=heard, **given)


def test_a_run_is_stopped_between_batches_and_gone_on_with(
    settings: Settings, tiny_corpus: Path
) -> None:
    workbench, reference = Broken(settings), str(tiny_corpus)
    evaluations = Evaluations(workbench)
    workbench.pressed = evaluations.stop
    assert evaluations.unfinished(reference) == ""
    with pytest.raises(EvaluationError, match="at least two arms"):
        evaluations.start(reference, arms=["rag"], limit=4)
    with pytest.raises(EvaluationError, match="start a new one"):
        evaluations.resume(reference)

    evaluations.start(reference, arms=["base", "rag"], limit=4)
    with pytest.raises(EvaluationError, match="running already"):
        evaluations.start(reference, arms=["base", "rag"], limit=4)
    evaluations.join(120)
    stopped = evaluations.now()
    assert (stopped.state, stopped.done, stopped.of) == ("stopped", 4, 8)
    assert stopped.plan is not None
    log = stopped.plan.folder / ANSWERS_FILE
    kept = log.read_text()
    assert "4 of 8 answers" in progress_bar(stopped, "")
    assert "base, rag on 4 questions" in evaluations.unfinished(reference)
    assert Runs(settings.state / "runs").choices("tiny") == []

    # Another page, as after a restart of the server, goes on with it.
    workbench.pressed = None
    later = Evaluations(workbench)
    later.resume(reference)
    later.join(120)
    assert later.now().state == "done", later.now().message
    assert log.read_text().startswith(kept)
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert len({(row["question_id"], row["arm"]) for row in rows}) == len(rows) == 8
    assert later.unfinished(reference) == ""
    [(label, name)] = Runs(settings.state / "runs").choices("tiny")
    assert name == later.finished()
    assert label.endswith("4 questions, Base · RAG")


def test_a_run_that_fails_says_why_and_another_can_be_started(
    settings: Settings, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluations = Evaluations(Workbench(settings))

    def refuse(*_: Any, **__: Any) -> None:
        raise errors.pop()

    errors: list[Exception] = [RuntimeError("secret"), ProjectError("The <disk> is full.")]
    monkeypatch.setattr(Workbench, "evaluate", refuse)
    for told in ("The &lt;disk&gt; is full.", "Something went wrong inside"):
        evaluations.start(str(tiny_corpus), arms=["base", "rag"], limit=4)
        evaluations.join(60)
        assert evaluations.now().state == "failed"
        page = progress_bar(evaluations.now(), "")
        assert told in page
        assert "secret" not in page


def test_progress_is_told_in_words() -> None:
    assert "broken off: this one" in progress_bar(Standing(), "this one")
    assert progress_bar(Standing(), "").count("<p") == 0
