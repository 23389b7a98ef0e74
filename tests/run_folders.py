"""Makes run folders by hand, as an evaluation leaves them: answers are known, no model runs."""

import json
from pathlib import Path
from typing import Any

from eval.results import UNWRITTEN, ResultRow
from eval.scores import METRICS, score
from eval.summary import summarise

ARMS = ("base", "sft", "rag", "sft+rag")
ABSTAIN = "I could not find that information."
#: What each arm answers of twelve questions: R right, W wrong, D declined.
PATTERN = {
    "base": "WWWWRWWWWWWW",
    "sft": "RRWRRWWWRWWD",
    "rag": "RRRRWRDWRRDD",
    "sft+rag": "RRRRRRRWRRDD",
}
_CAUSES = {
    "base": "other",
    "sft": "memorised_other_fact",
    "rag": "passage_not_used",
    "sft+rag": "retrieval_missed",
}
EVERYTHING = ("run", "questions", "change", "cost", "forgetting", "extra")


def question(number: int) -> dict[str, Any]:
    last = number >= 10
    return {
        "id": f"q{number}",
        "question": f"How long do I hold the button of lamp {number}?",
        "answers": [] if last else [f"{number + 20} seconds"],
        "evidence": [] if last else [{"document": f"lamps/l{number}", "quote": f"Hold it for {number + 20} seconds."}],
        "kind": "unanswerable" if last else "fact",
        "fact": f"f{number}",
        "exposure": "reworded" if number % 2 else "untrained",
        "known": None,
        "document": f"f{number}" if last else f"lamps/l{number}",
        "columns": {"team": "north" if number < 6 else "south"},
    }  # fmt: skip


def row(number: int, arm: str, *, mark: str, words: str = "") -> ResultRow:
    asked = question(number)
    declined = asked["kind"] == "unanswerable"
    references = tuple(asked["answers"] or [ABSTAIN])
    said = words or {"R": references[0], "W": "A zebra holds it.", "D": ABSTAIN}[mark]
    metrics = score(said, references)
    metrics["accuracy"] = float(mark == ("D" if declined else "R"))
    open_book = "rag" in arm
    return ResultRow(
        question_id=asked["id"], arm=arm, prediction=said, references=references,
        kind=asked["kind"], exposure=asked["exposure"], metrics={name: metrics[name] for name in METRICS},
        hits=({"passage": "p1", "document": "x", "score": 0.5, "relevant": False},
              {"passage": "p2", "document": "y", "score": 0.4, "relevant": not declined}) if open_book else (),
        citations=(), abstained=mark == "D", seconds=1.5 if open_book else 0.5,
        prompt_tokens=200 if open_book else 40, completion_tokens=9, document=asked["document"],
        diagnosis="" if metrics["accuracy"] else _CAUSES.get(arm, "other"),
    )  # fmt: skip


def provenance(arm: str, *, adapter: str = "desk") -> dict[str, Any]:
    tuned = "sft" in arm
    return {
        "base_model": "tiny", "base_fingerprint": "b" * 64, "adapter": adapter if tuned else None,
        "adapter_fingerprint": adapter[0] * 64 if tuned else None, "index": "tiny/1" if "rag" in arm else None,
        "index_fingerprint": "i" * 64 if "rag" in arm else None, "prompt_version": "4", "decoding": "greedy", "seed": 0,
    }  # fmt: skip


def share(value: float) -> dict[str, float]:
    return {"value": value, "low": max(0.0, value - 0.1), "high": min(1.0, value + 0.1)}


def make_run(
    folder: Path,
    *,
    parts: tuple[str, ...] = (),
    pattern: dict[str, str] | None = None,
    words: dict[tuple[str, int], str] | None = None,
    adapter: str = "desk",
) -> Path:
    """A run's folder: the contract's two files, and of `EVERYTHING` the parts that are named."""
    folder.mkdir(parents=True)
    marks = pattern or PATTERN
    rows = [
        row(number, arm, mark=marks[arm][number], words=(words or {}).get((arm, number), ""))
        for number in range(12)
        for arm in marks
    ]
    made = {arm: provenance(arm, adapter=adapter) for arm in marks}
    summary = summarise(rows, corpus="lamps", split="test", provenance=made, seed=0)
    (folder / "results.jsonl").write_text(
        "".join(one.model_dump_json(exclude=set(UNWRITTEN)) + "\n" for one in rows)
    )
    if "extra" in parts:
        _extra(summary)
    else:
        summary = _of_the_contract(summary)
    (folder / "summary.json").write_text(json.dumps(summary))
    asked = [question(number) for number in range(12)]
    files: dict[str, Any] = {
        "run": {"corpus": "lamps", "corpus_title": "Lamps & lights", "corpus_fingerprint": "c1", "split": "test",
                "seed": 0, "limit": 12, "n": 12, "arms": list(marks), "provenance": made, "abstain_text": ABSTAIN,
                "questions_fingerprint": "k1", "machine": {"cpus": 2, "device": "cpu", "dtype": "bfloat16"},
                "started": "2026-11-26T10:00:00", "version": 1},
        "change": CHANGE, "cost": COST, "forgetting": FORGETTING,
    }  # fmt: skip
    for name in set(files) & set(parts):
        (folder / f"{name}.json").write_text(json.dumps(files[name]))
    if "questions" in parts:
        (folder / "questions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in asked))
    return folder


def _of_the_contract(summary: dict[str, Any]) -> dict[str, Any]:
    """What a summary had before the contract's keys had any beside them."""
    arms = {
        name: {
            key: arm[key]
            for key in ("metrics", "by_kind", "by_exposure", "by_kind_and_exposure", "seconds", "tokens")
        }
        for name, arm in summary["arms"].items()
    }  # fmt: skip
    keys = ("corpus", "split", "n", "provenance", "signatures", "retrieval", "comparisons")
    return {**{key: summary[key] for key in keys}, "arms": arms}


def _extra(summary: dict[str, Any]) -> None:
    """The keys that the contract does not have."""
    summary["coverage"] = {
        "asked": 12,
        "arms": {arm: {"answered": 12, "failed": []} for arm in summary["arms"]},
    }
    summary["coverage"]["arms"]["rag"] = {
        "answered": 11, "failed": [{"question_id": "q3", "error": "The prompt is too long."}],
    }  # fmt: skip
    summary["verdict"] = {
        "sentence": "Do both: SFT + RAG answers best.", "reasons": ["It is right on 9 of 12."],
        "best": "sft+rag", "sure": True,
    }  # fmt: skip
    summary["oracle"] = {"oracle": {"n": 10, "metrics": {"accuracy": share(0.7)}}}
    for one in summary["comparisons"]:
        one["detectable"] = 0.31
    for name, arm in summary["arms"].items():
        part = {"n": 6, **arm["metrics"], "small": True}
        arm["abstention"] = {
            **{key: share(0.5) for key in ("accuracy", "precision", "recall", "f1")},
            "counts": {"tp": 1, "fp": 2, "fn": 3, "tn": 6}, "n": 12,
        }  # fmt: skip
        arm["length_ratio"] = {"value": 1.4, "low": 1.1, "high": 1.8}
        arm["by_document"] = {"lamps/l0": part}
        arm["by_answer_length"] = {"1-2 words": part}
        arm["by_known"] = {"known": part, "unknown": part}
        arm["by_column"] = {"team": {"north": part, "south": part}}
        arm["diagnosis"] = {_CAUSES[name]: 3}


CHANGE: dict[str, Any] = {
    "corpus": "lamps", "revision": "spring", "title": "The spring models",
    "counts": {"changed_documents": 2, "new_documents": 0, "withdrawn": 0, "changed_questions": 8, "unchanged_questions": 20},
    "timeline": [{"step": "sync", "seconds": 1.4, "what": "index synced"}, {"step": "retrain", "seconds": 700.0, "what": "adapter trained again"}],
    "arms": {
        arm: {
            "changed": {"before": share(0.1), "after_sync": share(0.8 if "rag" in arm else 0.1), "after_retrain": share(0.8)},
            "unchanged": {"before": share(0.7), "after_sync": share(0.7), "after_retrain": None},
            "n_changed": 8, "n_unchanged": 20, "old_answers": {"before": share(0.9), "after_sync": share(0.2)},
        }
        for arm in ARMS
    },
    "examples": [{"question": "How long now?", "old": "8 seconds", "new": "12 seconds",
                  "answers": {arm: {"before": "8 seconds", "after_sync": "12 seconds", "after_retrain": None} for arm in ARMS}}],
}  # fmt: skip
COST: dict[str, Any] = {
    "machine": {"cpus": 2}, "train_seconds": 720.0, "index_seconds": 12.0, "sync_seconds": 1.4, "retrain_seconds": None,
    "arms": {arm: {"seconds_p50": 1.5 if "rag" in arm else 0.5, "seconds_mean": 1.5 if "rag" in arm else 0.5, "prompt_tokens": 200, "completion_tokens": 9} for arm in ARMS},
}  # fmt: skip
FORGETTING: dict[str, Any] = {
    "adapter": "desk", "adapter_fingerprint": "d" * 64, "base_model": "tiny", "base_fingerprint": "b" * 64,
    "prompt_version": "4", "decoding": "greedy", "seed": 0, "probe": "general-knowledge", "probe_fingerprint": "g",
    "questions": 200, "accuracy_before": share(0.3), "accuracy_after": share(0.25), "base_right": 60, "lost": 14, "gained": 4,
    "p": 0.03, "lost_share": share(0.23), "lost_questions": [], "gained_questions": [], "answer_kl": share(0.2),
    "texts": 0, "tokens": 0,
}  # fmt: skip
