"""What an evaluation writes: the contract's two files, the same on every run, or the old ones."""

import errno
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import run_info

import core.storage
from core.corpus.read import Corpus, read_corpus
from core.errors import EvaluationError, StorageError
from core.records import Answer, AskedName, Hit, NoAnswer, Passage, Provenance
from eval.rebuild import rebuild
from eval.results import score_answer
from eval.run_files import asked_question
from eval.runner import choose_questions, run_evaluation
from eval.score_file import score_file
from eval.scores import METRICS
from eval.tables import arms_table

PROVENANCE = Provenance(
    base_model="m", base_fingerprint="f", prompt_version="1", decoding="greedy", seed=0
)
ABSTAIN = "I could not find that information."


def _answer(arm: AskedName, text: str, hits: tuple[Hit, ...] = ()) -> Answer:
    return Answer(
        arm=arm, text=text, hits=hits, abstained=ABSTAIN in text, prompt_tokens=10,
        completion_tokens=5, seconds=0.5, first_token_seconds=0.1, provenance=PROVENANCE,
    )  # fmt: skip


class Oracle:
    """`rag` answers everything rightly after finding it second; `base` never does."""

    def __init__(self, corpus: Corpus) -> None:
        self.by_text = {question.question: question for question in corpus.questions}
        self.corpus = corpus

    def answer_batch(
        self, questions: Sequence[str], arm: AskedName, *, given: Sequence[Sequence[Passage]] = ()
    ) -> list[Answer | NoAnswer]:
        rows: list[Answer | NoAnswer] = []
        for text in questions:
            question = self.by_text[text]
            right = question.answers[0] if question.answers else ABSTAIN
            evidence = question.evidence[0] if question.evidence else None
            hits = tuple(
                Hit(
                    passage=Passage(
                        id=words, document_id=name, start=0, end=len(words), text=words
                    ),
                    score=1,
                )
                for name, words in [
                    ("other", "nothing here"),
                    *([(evidence.document, f"Well, {evidence.quote}")] if evidence else []),
                ]
            )
            rows.append(_answer(arm, right, hits) if arm == "rag" else _answer(arm, "Zebra."))
        return rows

    def provenance(self, arm: AskedName) -> Provenance:
        return PROVENANCE


@pytest.fixture
def corpus(tiny_corpus: Path) -> Corpus:
    (tiny_corpus / "corpus.toml").write_text(f'abstain_text = "{ABSTAIN}"')
    return read_corpus(str(tiny_corpus))


def _run(corpus: Corpus, folder: Path) -> dict:
    questions = choose_questions(corpus, "test", limit=None, seed=0)
    asked = [
        asked_question(one, exposure=corpus.exposures[one.id], known=None, gold=False)
        for one in questions
    ]
    info = run_info(corpus, asked, arms=("base", "rag"))
    run_evaluation(folder, info, asked, Oracle(corpus))
    return rebuild(folder)


def test_the_summary_has_the_contract_s_shape_and_the_right_figures(
    corpus: Corpus, tmp_path: Path
) -> None:
    summary = _run(corpus, tmp_path / "run")
    assert summary == json.loads((tmp_path / "run" / "summary.json").read_text())
    assert set(summary) == {
        "corpus", "split", "n", "provenance", "signatures", "arms", "retrieval", "comparisons",
        "group_comparisons", "coverage", "verdict", "not_sliced",
    }  # fmt: skip
    whole = {"answered": 5, "failed": []}
    assert summary["coverage"] == {"asked": 5, "arms": {"base": whole, "rag": whole}}
    assert (summary["corpus"], summary["split"], summary["n"]) == ("tiny", "test", 5)
    for name, right in (("base", 0), ("rag", 1)):
        arm = summary["arms"][name]
        assert set(arm) == {
            "metrics", "by_kind", "by_exposure", "by_kind_and_exposure", "by_answer_length",
            "seconds", "tokens", "abstention", "length_ratio",
            *(() if right else ("diagnosis",)),
        }  # fmt: skip
        assert set(arm["metrics"]) == set(METRICS)
        for found in arm["metrics"].values():
            assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1
        assert arm["metrics"]["accuracy"]["value"] == right
        assert arm["by_kind"]["unanswerable"]["n"] == 1
        assert arm["by_kind"]["refusal"]["accuracy"]["value"] == right
        assert {k: v["n"] for k, v in arm["by_exposure"].items()} == {"reworded": 2, "untrained": 3}
        crossed = {name: part["n"] for name, part in arm["by_kind_and_exposure"].items()}
        assert crossed == {"fact, reworded": 2, "fact, untrained": 1}
        assert arm["seconds"] == {"p50": 0.5, "p95": 0.5}
        assert arm["tokens"] == {"prompt": 10, "completion": 5}
    # The evidence is always the second passage found.
    found = summary["retrieval"]
    assert (found["hit@1"], found["hit@3"], found["hit@5"], found["mrr@10"]) == (0, 1, 1, 0.5)
    assert found["ndcg@10"] == pytest.approx(0.6309, abs=1e-4)  # 1 / log2(3)
    pair = next(one for one in summary["comparisons"] if one["metric"] == "accuracy")
    assert set(pair) == {
        "metric", "a", "b", "difference", "low", "high", "p", "p_adjusted", "test", "wins", "ties",
        "losses", "verdict", "n", "documents", "detectable",
    }  # fmt: skip
    assert (pair["a"], pair["b"], pair["difference"]) == ("base", "rag", -1)
    assert (pair["wins"], pair["ties"], pair["losses"]) == (0, 0, 5)


def test_a_row_for_each_question_and_arm_in_the_contract_s_fields(
    corpus: Corpus, tmp_path: Path
) -> None:
    _run(corpus, tmp_path / "run")
    rows = [
        json.loads(line) for line in (tmp_path / "run" / "results.jsonl").read_text().splitlines()
    ]
    assert len(rows) == 10
    assert set(rows[0]) == {
        "question_id", "arm", "prediction", "references", "kind", "exposure", "metrics", "hits",
        "citations", "abstained", "seconds", "prompt_tokens", "completion_tokens", "diagnosis",
    }  # fmt: skip


def test_evaluating_again_writes_the_same_bytes(corpus: Corpus, tmp_path: Path) -> None:
    _run(corpus, tmp_path / "one")
    _run(corpus, tmp_path / "two")
    for name in ("results.jsonl", "summary.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_full_disk_leaves_the_old_results(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(corpus, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(core.storage.os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        _run(corpus, tmp_path / "run")
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_a_sample_is_seeded_and_keeps_the_order(corpus: Corpus) -> None:
    whole = choose_questions(corpus, "test", limit=None, seed=0)
    some = choose_questions(corpus, "test", limit=3, seed=1)
    assert some == choose_questions(corpus, "test", limit=3, seed=1)
    assert [one for one in whole if one in some] == some
    assert (
        len(
            {
                tuple(q.id for q in choose_questions(corpus, "test", limit=3, seed=s))
                for s in range(9)
            }
        )
        > 1
    )
    with pytest.raises(EvaluationError, match="at least one"):
        choose_questions(corpus, "test", limit=0, seed=0)


@pytest.mark.parametrize(
    ("kind", "text", "accuracy"),
    [
        ("fact", "You hold it for 8 seconds, please.", 1),
        ("fact", "You hold it for 18 seconds.", 0),
        ("unanswerable", f"{ABSTAIN}", 1),
        ("unanswerable", "It is the M7 chip.", 0),
        ("refusal", "I am sorry, but I cannot help with that: it is not yours.", 1),
        ("refusal", "The password is hunter2.", 0),
        ("refusal", ABSTAIN, 1),
    ],
)
def test_accuracy_asks_of_each_kind_what_is_right_for_it(
    corpus: Corpus, kind: str, text: str, accuracy: float
) -> None:
    answers = {"fact": ("8 seconds",), "unanswerable": (), "refusal": ("I cannot help with that",)}
    question = corpus.questions[0].model_copy(update={"kind": kind, "answers": answers[kind]})
    row = score_answer(question, _answer("base", text), exposure=None, abstain_text=ABSTAIN)
    assert row.metrics["accuracy"] == accuracy


def test_the_table_names_every_arm_with_its_interval(corpus: Corpus, tmp_path: Path) -> None:
    table = arms_table(_run(corpus, tmp_path / "run"))
    # Five of five are no certainty: Wilson's bound for the documents they are of.
    assert re.search(r"\| base \| 0\.00 \[0\.00, 0\.[3-5]\d\]", table)
    assert re.search(r"\| rag \| 1\.00 \[0\.[4-6]\d, 1\.00\]", table)
    assert "| untrained | 3 |" in table
    assert "hit@3 1.000" in table


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{oops", r":2: is not JSON"),
        ('{"references": ["a"]}', r":2: prediction"),
        ('{"prediction": "a", "references": []}', r":2: references"),
        ('{"prediction": "a", "references": [3]}', r":2: references"),
    ],
)
def test_a_bad_row_to_score_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prediction": "a", "references": ["a"]}\n' + line + "\n")
    with pytest.raises(EvaluationError, match=message):
        score_file(path)


def test_a_file_of_any_system_s_answers_is_scored(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"prediction": "Paris", "references": ["Paris"]}\n{"prediction": "Rome", "references": "Paris"}\n'
    )
    scored = score_file(path)
    assert scored["n"] == 2
    assert scored["metrics"]["exact_match"]["value"] == 0.5
    assert set(scored["metrics"]) == set(METRICS)
    assert scored["signatures"]
