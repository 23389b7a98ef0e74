"""A run can be killed at any moment and gone on with; nothing is twice, missing or passed over."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from evaluate_a_process import Neighbourly, forty
from filelock import FileLock

from core.errors import EvaluationError, StorageError, UnansweredError
from core.records import Answer, NoAnswer
from eval.rebuild import read_scored, rebuild, silent_arms
from eval.run_files import oracles_of, read_run
from eval.runner import batches, run_evaluation

ROOT = Path(__file__).resolve().parent.parent
DERIVED = ("results.jsonl", "summary.json")


def _process(folder: Path, *arguments: str) -> int:
    return subprocess.run(
        [sys.executable, str(ROOT / "tests" / "evaluate_a_process.py"), str(folder), *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    ).returncode  # fmt: skip


def _run(folder: Path, answerer: Neighbourly | None = None, **changes: object) -> dict:
    info, asked, gold = forty()
    info = info.model_copy(update=changes)
    run_evaluation(folder, info, asked, answerer or Neighbourly(), gold=gold)
    return rebuild(folder)


def _lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]


def _derived(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in DERIVED]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody killed."""
    folder = tmp_path_factory.mktemp("whole")
    _run(folder)
    return folder


@pytest.mark.parametrize(
    "kills",
    [
        [("asking", "1")],
        [("asking", "5")],
        [("asking", "9")],
        [("writing", "1")],
        [("writing", "6")],
        [("writing", "2"), ("asking", "2"), ("writing", "3")],
    ],
    ids=lambda kills: " then ".join(" ".join(kill) for kill in kills),
)
def test_a_run_that_was_killed_ends_as_one_that_was_not(
    whole: Path, tmp_path: Path, kills: list[tuple[str, str]]
) -> None:
    folder = tmp_path / "run"
    for kill in kills:
        assert _process(folder, *kill) == -9
        assert not (folder / "summary.json").exists()
    assert _process(folder) == 0
    assert _derived(folder) == _derived(whole)
    keys = Counter((line["question_id"], line["arm"]) for line in _lines(folder))
    assert set(keys.values()) == {1}, "no row twice"
    assert sorted(map(json.dumps, _lines(folder))) == sorted(map(json.dumps, _lines(whole)))


def test_a_run_that_is_done_is_asked_nothing_again(whole: Path) -> None:
    before, nobody = (whole / "answers.jsonl").read_bytes(), Neighbourly()
    _run(whole, nobody)
    assert nobody.asked == 0
    assert (whole / "answers.jsonl").read_bytes() == before


def test_a_line_lost_in_the_middle_is_answered_as_it_was(whole: Path, tmp_path: Path) -> None:
    _run(tmp_path)
    log = tmp_path / "answers.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join([*lines[:20], lines[20][:30], *lines[21:]]))
    again = Neighbourly()
    _run(tmp_path, again)
    # The damaged line took the next one with it, in the same batch or the next.
    assert again.asked in (1, 2)
    assert _derived(tmp_path) == _derived(whole)


def test_batches_follow_from_the_questions_alone() -> None:
    _, asked, _ = forty()
    plan = batches(asked, ("base", "rag", "oracle"))
    assert plan == batches(asked[::-1], ("base", "rag", "oracle"))
    for arm, count in (("base", 40), ("rag", 40), ("oracle", 20)):
        mine = [batch for batch in plan if batch.arm == arm]
        names = [one.id for batch in mine for one in batch.questions]
        assert len(names) == len(set(names)) == count
    lengths = [len(one.question) for b in plan if b.arm == "base" for one in b.questions]
    assert lengths == sorted(lengths), "those of like length are together"
    assert [batch.arm for batch in plan[:3]] == ["base", "rag", "oracle"]


def test_a_failed_question_is_a_failure_and_not_a_zero_or_a_gap(whole: Path) -> None:
    summary = json.loads((whole / "summary.json").read_text())
    failed = [{"question_id": "q7", "error": "The store was away."}]
    assert summary["coverage"] == {
        "asked": 40,
        "arms": {
            "base": {"answered": 40, "failed": []},
            "rag": {"answered": 39, "failed": failed},
        },
    }
    assert summary["n"] == 40
    assert summary["oracle"]["oracle"]["n"] == 20
    rows = [json.loads(line) for line in (whole / "results.jsonl").read_text().splitlines()]
    assert len(rows) == 79
    assert {row["arm"] for row in rows} == {"base", "rag"}, "the oracle is no arm of the contract"
    assert ("q7", "rag") not in {(row["question_id"], row["arm"]) for row in rows}
    assert sum(line["error"] != "" for line in _lines(whole)) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"corpus": "other"}, "there the corpus is made-up, here other"),
        ({"corpus_fingerprint": "d" * 64}, "fingerprint is c, here dddddddddddd…"),
        ({"split": "train"}, "there the split is test, here train"),
        ({"seed": 3}, "there the seed is 0, here 3"),
        ({"limit": 5}, "there --limit is none, here 5"),
        ({"arms": ("rag", "base")}, "there the arms are base, rag, here rag, base"),
        ({"oracles": ()}, "there the oracles are oracle, here none"),
        ({"questions_fingerprint": "e"}, "questions and their labels"),
        *(
            ({"provenance": {arm: {**forty()[0].provenance["base"], name: "another"}
                             for arm in ("base", "rag", "oracle")}}, told)
            for name, told in (
                ("adapter", "there base answers with adapter none, here another"),
                ("index_fingerprint", "answers with index fingerprint none, here another"),
                ("prompt_version", "answers with prompt version 1, here another"),
            )
        ),
    ],
)  # fmt: skip
def test_a_folder_of_another_run_is_refused(whole: Path, changes: dict, told: str) -> None:
    before = _derived(whole)
    with pytest.raises(EvaluationError, match="holds another evaluation") as refused:
        _run(whole, **changes)
    assert told in str(refused.value)
    assert _derived(whole) == before


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").write_text("{}\n")
    with pytest.raises(EvaluationError, match="nobody knows what was asked"):
        _run(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="give another --out"):
        _run(tmp_path / "file")
    (tmp_path / "held").mkdir()
    with (
        FileLock(tmp_path / "held" / ".evaluate.lock"),
        pytest.raises(EvaluationError, match="Another process"),
    ):
        _run(tmp_path / "held")


def _edited(whole: Path, folder: Path, edit: object) -> Path:
    for name in ("run.json", "questions.jsonl", "answers.jsonl"):
        (folder / name).write_bytes((whole / name).read_bytes())
    lines = (whole / "answers.jsonl").read_text().splitlines(keepends=True)
    (folder / "answers.jsonl").write_text("".join(edit(lines)))
    return folder


def test_results_are_rebuilt_with_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    folder = _edited(whole, tmp_path, lambda lines: lines[::-1])
    (folder / "results.jsonl").write_bytes((whole / "results.jsonl").read_bytes()[:1000])
    rebuild(folder)
    assert _derived(folder) == _derived(whole)


def test_what_is_missing_extra_twice_or_no_number_is_told(whole: Path, tmp_path: Path) -> None:
    def edit(lines: list[str]) -> list[str]:
        line = json.loads(lines[0])
        stranger = json.dumps({**line, "question_id": "who"}) + "\n"
        nan = lines[1].replace('"seconds": 0.5', '"seconds": NaN')
        assert nan != lines[1]
        # The last two lines are cut: one is gone, of one half is left.
        return [lines[0], nan, *lines[2:-2], lines[0], stranger, lines[-2][:50]]

    folder = _edited(whole, tmp_path, edit)
    scored = read_scored(folder)
    told = scored.coverage["left_out"]
    assert len(told) == 4
    assert "answers.jsonl:2: holds NaN" in told[0]
    assert "is there twice; the first counts" in told[1]
    assert "'who' was not asked in this run" in told[2]
    assert "is not JSON" in told[3]
    assert scored.coverage["arms"]["base"]["answered"] == 39
    assert (
        "the run was broken off, or the file was cut"
        in (scored.coverage["arms"]["base"]["failed"][0]["error"])
    )
    summary = rebuild(folder)
    assert summary["coverage"] == scored.coverage
    assert ": NaN" not in (folder / "summary.json").read_text()
    json.loads((folder / "summary.json").read_text())


def test_a_run_without_its_questions_is_refused(whole: Path, tmp_path: Path) -> None:
    folder = _edited(whole, tmp_path, lambda lines: lines)
    questions = (folder / "questions.jsonl").read_text()
    (folder / "questions.jsonl").write_text(questions[:-40])
    with pytest.raises(EvaluationError, match=r"questions.jsonl:40: is no question"):
        rebuild(folder)
    (folder / "questions.jsonl").write_text("".join(questions.splitlines(keepends=True)[:-1]))
    with pytest.raises(EvaluationError, match="39 questions that are not the 40"):
        rebuild(folder)
    (folder / "run.json").write_text("{")
    with pytest.raises(EvaluationError, match="is damaged"):
        rebuild(folder)
    with pytest.raises(EvaluationError, match="holds no evaluation"):
        rebuild(tmp_path / "nowhere")


class Silent(Neighbourly):
    """Fails always, or as one arm."""

    def __init__(self, *arms: str) -> None:
        super().__init__()
        self.arms = arms

    def answer_batch(self, questions: Sequence[str], arm, *, given=()) -> list[Answer | NoAnswer]:
        if arm in self.arms:
            return [NoAnswer("The index is locked.") for _ in questions]
        return super().answer_batch(questions, arm, given=given)


def test_an_arm_that_answered_nothing_says_why(tmp_path: Path) -> None:
    summary = _run(tmp_path / "one", Silent("rag"))
    assert silent_arms(summary["coverage"]) == {"rag": "The index is locked."}
    assert list(summary["arms"]) == ["base"]
    with pytest.raises(UnansweredError, match="rag: The index is locked"):
        _run(tmp_path / "all", Silent("base", "rag", "oracle"))
    assert not UnansweredError.bad_input, "a failure, and not the user's input"
    assert _run(tmp_path / "oracle", Silent("oracle"))["oracle"]["oracle"]["n"] == 0


def test_ctrl_c_leaves_a_folder_to_go_on_with(whole: Path, tmp_path: Path) -> None:
    class Stopped(Neighbourly):
        def answer_batch(self, questions, arm, *, given=()):
            if self.asked == 4:
                raise KeyboardInterrupt
            return super().answer_batch(questions, arm, given=given)

    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path, Stopped())
    assert len(_lines(tmp_path)) > 40
    _run(tmp_path)
    assert _derived(tmp_path) == _derived(whole)


def test_progress_tells_what_is_left(tmp_path: Path) -> None:
    info, asked, gold = forty()
    seen: list[tuple[int, int, float | None]] = []

    def stop_at_fifty(done: int, of: int, left: float | None) -> None:
        seen.append((done, of, left))
        if done >= 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_evaluation(tmp_path, info, asked, Neighbourly(), gold=gold, report=stop_at_fifty)
    assert seen[0] == (0, 100, None)
    assert all(left is not None and left > 0 for *_, left in seen[1:])
    first = len(seen)
    run_evaluation(
        tmp_path, info, asked, Neighbourly(), gold=gold, report=lambda *now: seen.append(now)
    )
    assert seen[first][0] == seen[first - 1][0], "it goes on where it was"
    assert seen[-1] == (100, 100, 0.0)


def test_measures_are_kept_with_the_answers(tmp_path: Path) -> None:
    info, asked, gold = forty()
    run_evaluation(
        tmp_path, info, asked, Neighbourly(), gold=gold,
        measure=lambda pairs: [{"similarity": len(one.id) / 10, "support": 0.5} for one, _ in pairs],
    )  # fmt: skip
    scored = read_scored(tmp_path)
    assert {row.similarity for row in scored.rows} == {0.2, 0.3}
    assert {row.support for row in [*scored.rows, *scored.oracle_rows]} == {0.5}
    assert "similarity" not in (rebuild(tmp_path) and (tmp_path / "results.jsonl").read_text())
    assert read_run(tmp_path) == info


def test_oracles_answer_with_the_weights_that_are_asked() -> None:
    assert oracles_of(["base", "sft", "rag", "sft+rag"]) == ("oracle", "sft+oracle")
    assert oracles_of(["rag"]) == ("oracle",)
    assert oracles_of(["sft"]) == ("sft+oracle",)
