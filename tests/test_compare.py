"""Two runs compared: each arm against itself, and a refusal that names the difference."""

import json
from pathlib import Path
from typing import Any

import pytest
from run_folders import PATTERN, make_run

from core.errors import EvaluationError
from eval.compare import compare_runs, comparison_table

BOTH = ("run", "questions")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return make_run(tmp_path / "before", parts=BOTH)


def _change(path: Path, **values: Any) -> None:
    found = json.loads(path.read_text())
    found.update(values)
    path.write_text(json.dumps(found))


def test_an_arm_that_gained_is_better_and_says_where(before: Path, tmp_path: Path) -> None:
    pattern = {**PATTERN, "base": "RRRRRRRRRRWW", "sft": "RRRRRWWWRWWD"}
    found = compare_runs(
        before, make_run(tmp_path / "after", parts=BOTH, pattern=pattern, adapter="new")
    )
    base = found["arms"]["base"]["metrics"]["accuracy"]
    assert (base["before"], base["after"], base["wins"], base["losses"]) == (0.0833, 0.8333, 9, 0)
    # Exact McNemar of 9 of 9 one way, unless the documents say that chance could do it.
    assert base["p"] >= round(2 * 0.5**9, 5)
    assert base["test"].startswith("exact McNemar")
    assert base["verdict"] == "better" and base["p_adjusted"] >= base["p"]
    assert [one["question_id"] for one in found["arms"]["sft"]["gained"]] == ["q2"]
    assert found["arms"]["sft"]["gained"][0]["after"] == "22 seconds"
    assert found["arms"]["sft"]["lost"] == []
    same = found["arms"]["rag"]["metrics"]["f1"]
    assert (same["difference"], same["verdict"], same["ties"]) == (0, "no clear difference", 12)
    assert {(one["arm"], one["what"]) for one in found["changed"]} == {
        (arm, what) for arm in ("sft", "sft+rag") for what in ("adapter", "adapter fingerprint")
    }
    table = comparison_table(found)
    assert "| base | accuracy | 0.08 | 0.83 | +0.75 [" in table
    assert "sft: adapter was desk, is new" in table
    assert "sft gained: q2: How long" in table


def test_the_other_way_round_it_is_worse(before: Path, tmp_path: Path) -> None:
    after = make_run(tmp_path / "after", parts=BOTH, pattern={**PATTERN, "base": "RRRRRRRRRRWW"})
    there, back = compare_runs(before, after), compare_runs(after, before)
    one, other = (found["arms"]["base"]["metrics"]["accuracy"] for found in (there, back))
    assert (one["difference"], one["p"]) == (-other["difference"], other["p"])
    assert other["verdict"] == "worse"
    assert (
        there["arms"]["base"]["gained"][0]["question_id"]
        == back["arms"]["base"]["lost"][0]["question_id"]
    )


def test_the_same_questions_are_compared_whatever_else_was_asked_of_them(
    before: Path, tmp_path: Path
) -> None:
    # The fingerprint counts whether an oracle was asked, and what the base was known to know.
    after = make_run(tmp_path / "after", parts=BOTH)
    _change(after / "run.json", questions_fingerprint="k2")
    path = after / "questions.jsonl"
    asked = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({**one, "gold": False}) + "\n" for one in asked))
    assert compare_runs(before, after)["n"] == 12
    asked[3]["evidence"] = [{"document": "other", "quote": "x"}]
    path.write_text("".join(json.dumps(one) + "\n" for one in asked))
    with pytest.raises(EvaluationError, match=f"the evidence of the question {asked[3]['id']} dif"):
        compare_runs(before, after)
    # Without the questions themselves the fingerprint is all there is to go by.
    path.unlink()
    with pytest.raises(EvaluationError, match="the questions differ: k1 and k2"):
        compare_runs(before, after)


@pytest.mark.parametrize(
    ("file", "values", "message"),
    [
        ("run.json", {"corpus_fingerprint": "c2"}, "the corpora differ: c1 and c2"),
        ("summary.json", {"split": "validation"}, "the splits differ: test and validation"),
        ("summary.json", {"corpus": "other"}, "the corpora differ: lamps and other"),
        ("summary.json", {"signatures": {"f1": "v2"}}, "the ways to compute .* differ"),
    ],
)
def test_what_cannot_be_compared_is_named(
    before: Path, tmp_path: Path, file: str, values: dict[str, Any], message: str
) -> None:
    after = make_run(tmp_path / "after", parts=BOTH)
    _change(after / file, **values)
    with pytest.raises(EvaluationError, match=message):
        compare_runs(before, after)


def test_other_questions_and_other_references_are_named(before: Path, tmp_path: Path) -> None:
    after = make_run(tmp_path / "after")
    rows = [json.loads(line) for line in (after / "results.jsonl").read_text().splitlines()]
    kept = [row for row in rows if row["question_id"] != "q4"]
    (after / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept))
    with pytest.raises(EvaluationError, match=r"1 were asked in the first only \(such as q4\)"):
        compare_runs(before, after)
    rows[0]["references"] = ["20 s"]
    (after / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(EvaluationError, match="references of the question q0 differ"):
        compare_runs(before, after)


def test_no_arm_in_common_and_the_run_itself_are_refused(before: Path, tmp_path: Path) -> None:
    one, other = ({arm: PATTERN[arm]} for arm in ("base", "rag"))
    first = make_run(tmp_path / "first", pattern=one)
    with pytest.raises(EvaluationError, match="one has the arms base, the other rag"):
        compare_runs(first, make_run(tmp_path / "second", pattern=other))
    with pytest.raises(EvaluationError, match="with itself"):
        compare_runs(before, before.parent / "before" / ".")


def test_a_question_that_failed_in_one_run_counts_neither_way(before: Path, tmp_path: Path) -> None:
    after = make_run(tmp_path / "after", parts=BOTH)
    lines = (after / "results.jsonl").read_text().splitlines()
    (after / "results.jsonl").write_text("\n".join(lines[1:]) + "\n")  # base's answer to q0
    found = compare_runs(before, after)
    assert (found["arms"]["base"]["n"], found["arms"]["rag"]["n"]) == (11, 12)
    assert any("1 of 12 questions were not answered in both" in note for note in found["notes"])


def test_folders_of_the_contract_alone_are_compared_with_a_note(
    before: Path, tmp_path: Path
) -> None:
    found = compare_runs(before, make_run(tmp_path / "old"))
    assert found["n"] == 12
    assert any("names no fingerprint" in note for note in found["notes"])
