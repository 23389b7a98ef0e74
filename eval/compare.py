"""Compares two runs, each arm against itself: what a changed recipe, index or prompt did.

Only runs of the same questions, references and metrics are compared; what made the answers may
differ, and is named, as it is what is compared.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import EvaluationError
from eval.comparisons import COMPARED, Pair, compare_pairs
from eval.measured import DECIMALS
from eval.report_data import Run, read_run
from eval.results import ResultRow

#: What must be the same for a difference to be the recipe's doing, and its name in a sentence.
_SAME_INFO = (
    ("corpus_fingerprint", "the corpora"),
    ("questions_fingerprint", "the questions"),
    ("abstain_text", "the texts of an answer withheld"),
)
#: What may differ, since it is what is compared.
_ALLOWED = (
    "base_model", "base_fingerprint", "adapter", "adapter_fingerprint", "index",
    "index_fingerprint", "prompt_version", "decoding", "seed",
)  # fmt: skip
_SHOWN = 60
#: What makes a question the same one.
_OF_A_QUESTION = ("question", "answers", "evidence", "kind", "fact")


def compare_runs(before: Path, after: Path, *, seed: int = 0) -> dict[str, Any]:
    """Test each arm of `after` against itself in `before`, on the questions that both answered.

    Differences are after less before, tested as arms are (see `eval.comparisons`); p is adjusted
    by Holm over the arms in one metric.

    :returns: `a`, `b`, `n`, `changed` (what made the answers differently), `arms` (ARM: `n`,
        `metrics`, `gained` and `lost` questions), `notes`.
    :raises EvaluationError: when the runs cannot be compared; it names the difference.
    """
    if before.resolve() == after.resolve():
        raise EvaluationError(f"{before} is compared with itself: name two runs.")
    a, b = read_run(before), read_run(after)
    _check_comparable(a, b)
    arms = [arm for arm in a.arms if arm in b.arms]
    paired = {arm: _paired(a, b, arm) for arm in arms}
    tests = [
        _pair(a, pairs, arm, metric)
        for arm, pairs in paired.items()
        for metric in COMPARED
        if pairs
    ]
    if not tests:
        raise EvaluationError(f"{before} and {after} have no answered question in common.")
    tested = list(zip(tests, compare_pairs(tests, seed=seed), strict=True))
    return {
        "a": _told(a),
        "b": _told(b),
        "n": max(len(pairs) for pairs in paired.values()),
        "changed": _changed(a, b, arms),
        "arms": {
            arm: {
                "n": len(pairs),
                "metrics": {
                    pair.metric: _with_means(pair, one) for pair, one in tested if pair.a == arm
                },
                "gained": _flipped(a, pairs, gained=True),
                "lost": _flipped(a, pairs, gained=False),
            }
            for arm, pairs in paired.items()
        },
        "notes": _notes(a, b, paired),
    }


def comparison_table(found: Mapping[str, Any]) -> str:
    """Give a comparison as Markdown, for the terminal."""
    lines = [
        f"{found['b']['folder']} against {found['a']['folder']}, {found['n']} questions of "
        f"{found['a']['corpus']}",
        "",
        "| arm | metric | before | after | difference (95 %) | gained / lost | p | verdict |",
        "|---" * 8 + "|",
    ]
    for arm, part in found["arms"].items():
        for metric, one in part["metrics"].items():
            lines.append(
                f"| {arm} | {metric} | {one['before']:.2f} | {one['after']:.2f} | "
                f"{one['difference']:+.2f} [{one['low']:+.2f}, {one['high']:+.2f}] | "
                f"{one['wins']} / {one['losses']} | {one['p_adjusted']:.3f} | {one['verdict']} |"
            )
    lines.append("")
    for one in found["changed"]:
        lines.append(f"{one['arm']}: {one['what']} was {one['a']}, is {one['b']}")
    if not found["changed"]:
        lines.append("Nothing that provenance names differs between the runs.")
    for arm, part in found["arms"].items():
        for word in ("gained", "lost"):
            lines += [f"{arm} {word}: {_line(one)}" for one in part[word]]
    return "\n".join([*lines, *found["notes"]])


def _line(one: Mapping[str, Any]) -> str:
    asked = " ".join(str(one["question"]).split())
    before, after = (" ".join(str(one[key]).split())[:_SHOWN] for key in ("before", "after"))
    return f"{one['question_id']}: {asked[:_SHOWN]} | {before} → {after}"


def _check_comparable(a: Run, b: Run) -> None:
    """Refuse runs that differ in more than what made their answers."""
    for key, told in (("corpus", "the corpora"), ("split", "the splits")):
        _same(a, b, told, a.summary.get(key), b.summary.get(key))
    for key, told in _SAME_INFO:
        # The fingerprint counts what is known of a question, and whether an oracle was asked it.
        if key == "questions_fingerprint" and a.questions and b.questions:
            continue
        if a.info.get(key) is not None and b.info.get(key) is not None:
            _same(a, b, told, a.info[key], b.info[key])
    mine, other = a.summary.get("signatures") or {}, b.summary.get("signatures") or {}
    for metric in (*mine, *other):
        _same(a, b, f"the ways to compute {metric}", mine.get(metric), other.get(metric))
    _same_questions(a, b)
    if not set(a.arms) & set(b.arms):
        _refuse(a, b, f"one has the arms {', '.join(a.arms)}, the other {', '.join(b.arms)}")


def _same(a: Run, b: Run, told: str, mine: Any, other: Any) -> None:
    if mine != other:
        _refuse(a, b, f"{told} differ: {_short(mine)} and {_short(other)}")


def _same_questions(a: Run, b: Run) -> None:
    """The same questions were asked, with the same references."""
    asked, others = _asked(a), _asked(b)
    only = [name for name in asked if name not in others]
    only_other = [name for name in others if name not in asked]
    if only or only_other:
        _refuse(
            a,
            b,
            f"the questions differ: {len(only)} were asked in the first only"
            f"{_such(only)}, {len(only_other)} in the second only{_such(only_other)}",
        )
    for name, one in a.questions.items():
        other = b.questions.get(name, one)
        for field in _OF_A_QUESTION:
            if one.get(field) != other.get(field):
                _refuse(a, b, f"the {field} of the question {name} differs")
    references = {row.question_id: row.references for row in a.rows}
    for row in (*a.rows, *b.rows):
        if row.references != references.get(row.question_id, row.references):
            _refuse(a, b, f"the references of the question {row.question_id} differ")


def _asked(run: Run) -> dict[str, None]:
    return dict.fromkeys([*run.questions, *(row.question_id for row in run.rows)])


def _such(names: Sequence[str]) -> str:
    return f" (such as {names[0]})" if names else ""


def _short(value: Any) -> str:
    shown = "nothing" if value in (None, "") else str(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:12]}…"


def _refuse(a: Run, b: Run, difference: str) -> None:
    raise EvaluationError(
        f"{a.folder} and {b.folder} cannot be compared: {difference}. Evaluate both on the same "
        "corpus, split and sample, with the same version of the metrics."
    )


def _paired(a: Run, b: Run, arm: str) -> list[tuple[ResultRow, ResultRow]]:
    others = {row.question_id: row for row in b.rows if row.arm == arm}
    return [
        (row, others[row.question_id])
        for row in a.rows
        if row.arm == arm and row.question_id in others
    ]


def _pair(a: Run, pairs: Sequence[tuple[ResultRow, ResultRow]], arm: str, metric: str) -> Pair:
    return Pair(
        metric=metric,
        a=arm,
        b=arm,
        first=[after.metrics[metric] for _, after in pairs],
        second=[before.metrics[metric] for before, _ in pairs],
        clusters=[a.document_of(before) for before, _ in pairs],
    )


def _with_means(pair: Pair, tested: dict[str, Any]) -> dict[str, Any]:
    """Put the two means before a difference; whose they are is told by where it stands."""
    left_out = {"metric", "a", "b", "n", "documents"}
    return {
        "before": round(sum(pair.second) / len(pair.second), DECIMALS),
        "after": round(sum(pair.first) / len(pair.first), DECIMALS),
        **{name: value for name, value in tested.items() if name not in left_out},
    }


def _flipped(
    a: Run, pairs: Iterable[tuple[ResultRow, ResultRow]], *, gained: bool
) -> list[dict[str, Any]]:
    """The questions whose answer became right, or stopped being so."""
    return [
        {
            "question_id": before.question_id,
            "question": a.questions.get(before.question_id, {}).get("question", ""),
            "before": before.prediction,
            "after": after.prediction,
        }
        for before, after in pairs
        if (before.metrics["accuracy"] >= 1) != (after.metrics["accuracy"] >= 1)
        and (after.metrics["accuracy"] >= 1) == gained
    ]


def _changed(a: Run, b: Run, arms: Sequence[str]) -> list[dict[str, Any]]:
    """What made an arm's answers differently in the two runs."""
    first, second = (run.summary.get("provenance") or {} for run in (a, b))
    return [
        {
            "arm": arm,
            "what": key.replace("_", " "),
            "a": _short(first[arm].get(key)),
            "b": _short(second[arm].get(key)),
        }
        for arm in arms
        if isinstance(first.get(arm), dict) and isinstance(second.get(arm), dict)
        for key in _ALLOWED
        if first[arm].get(key) != second[arm].get(key)
    ]


def _told(run: Run) -> dict[str, Any]:
    return {
        "folder": run.folder.name or str(run.folder),
        "corpus": run.summary["corpus"],
        "split": run.summary.get("split"),
        "n": run.summary["n"],
        "started": run.info.get("started"),
    }


def _notes(
    a: Run, b: Run, paired: Mapping[str, Sequence[tuple[ResultRow, ResultRow]]]
) -> list[str]:
    notes = [f"{run.folder.name}: {problem}" for run in (a, b) for problem in run.problems]
    for run, other in ((a, b), (b, a)):
        notes += [
            f"Only {run.folder.name} has the arm {arm}."
            for arm in run.arms
            if arm not in other.arms
        ]
    asked = len(_asked(a))
    notes += [
        f"{arm}: {asked - len(pairs)} of {asked} questions were not answered in both runs and "
        "count neither way."
        for arm, pairs in paired.items()
        if len(pairs) < asked
    ]
    if not a.info or not b.info:
        notes.append(
            "A run without run.json names no fingerprint of its corpus: only questions and "
            "references were found to be the same."
        )
    return notes
