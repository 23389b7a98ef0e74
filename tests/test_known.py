"""What the base model knows is asked in several wordings, kept, and shown per bucket."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from fakes import run_info
from test_evaluation import _answer

from core.corpus.known import Asked, KnownFacts, counted, find_known, state_file, write_known
from core.corpus.read import read_corpus
from core.errors import CorpusError, EvaluationError
from core.records import Answer, ArmName, Provenance, Question
from eval.known import FEWEST, MOST, ask_for_known, wordings_of
from eval.rebuild import rebuild
from eval.run_files import asked_question
from eval.runner import choose_questions, run_evaluation

PROVENANCE = Provenance(
    base_model="m", base_fingerprint="f" * 8, prompt_version="3", decoding="greedy", seed=0
)


class Knows:
    """Answers right whenever a word it knows is in the question, and keeps what it was asked."""

    def __init__(self, word: str, answer: str) -> None:
        self.word, self.text, self.asked = word, answer, []

    def answer(
        self, questions: Sequence[str], arms: Sequence[ArmName],
        *, report: Callable[[int], None] = lambda done: None,
    ) -> list[list[Answer]]:  # fmt: skip
        assert list(arms) == ["base"]
        self.asked += questions
        report(len(questions))
        return [[_answer("base", self.text if self.word in one else "Zebra.")] for one in questions]

    def answer_batch(
        self, questions: Sequence[str], arm: ArmName, *, given: Sequence[object] = ()
    ) -> list[Answer]:
        return [answer for [answer] in self.answer(questions, [arm])]

    def provenance(self, arm: ArmName) -> Provenance:
        return PROVENANCE


def test_facts_are_asked_in_all_their_wordings_and_labelled_by_half(tiny_corpus: Path) -> None:
    corpus = read_corpus(str(tiny_corpus))
    told: list[tuple[int, int]] = []
    model = Knows("Alpha", "Hold it for 8 seconds.")
    known = ask_for_known(corpus, model, report=lambda done, of: told.append((done, of)))
    assert set(known.facts) == {"alpha-reset", "beta-reset", "beta-weight"}, "no declined kinds"
    assert known.facts["alpha-reset"] == Asked(asked=4, right=4)
    assert known.label("alpha-reset") == "known"
    assert known.label("beta-reset") == "unknown"
    assert known.label("refuse") is None
    assert known.facts["beta-weight"].asked == FEWEST, (
        "one wording of its own is asked again otherwise"
    )
    assert told == [(12, 12)]
    assert (known.base_model, known.base_fingerprint) == ("m", "f" * 8)
    assert counted(known.facts.values()) == {"known": 1, "unknown": 2}


def test_half_of_the_answers_make_a_fact_known() -> None:
    assert Asked(asked=4, right=2).label == "known"
    assert Asked(asked=5, right=2).label == "unknown"


@pytest.mark.parametrize("count", [1, 2, 3, 5, 30])
def test_wordings_are_enough_and_not_too_many(count: int) -> None:
    own = [Question(id=str(n), question=f"Wording {n}?", answers=("a",)) for n in range(count)]
    found = wordings_of(own)
    assert min(MOST, max(FEWEST, count)) == len(found) == len(set(found))
    assert found[: min(count, MOST)] == [one.question for one in own[:MOST]]


def test_a_corpus_with_nothing_to_know_is_refused(tiny_corpus: Path) -> None:
    lines = [json.loads(line) for line in (tiny_corpus / "qa.jsonl").read_text().splitlines()]
    kept = [line for line in lines if line.get("kind") == "unanswerable"]
    (tiny_corpus / "qa.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))
    with pytest.raises(EvaluationError, match="nothing to know"):
        ask_for_known(read_corpus(str(tiny_corpus)), Knows("x", "y"))


def test_labels_hold_for_one_base_model(tiny_corpus: Path, tmp_path: Path) -> None:
    corpus = read_corpus(str(tiny_corpus))
    shipped = ask_for_known(corpus, Knows("Alpha", "8 seconds"))
    assert find_known(corpus, tmp_path, base_fingerprint="f" * 8) is None
    write_known(tiny_corpus / "known.json", shipped)
    assert find_known(corpus, tmp_path, base_fingerprint="f" * 8) == shipped
    assert find_known(corpus, tmp_path, base_fingerprint="other") is None
    own: KnownFacts = shipped.model_copy(update={"base_fingerprint": "other"})
    write_known(state_file(corpus, tmp_path), own)
    assert find_known(corpus, tmp_path, base_fingerprint="other") == own
    state_file(corpus, tmp_path).write_text("{")
    with pytest.raises(CorpusError, match="Label again"):
        find_known(corpus, tmp_path, base_fingerprint="other")


def test_results_are_sliced_by_what_was_known(tiny_corpus: Path, tmp_path: Path) -> None:
    corpus = read_corpus(str(tiny_corpus))
    model = Knows("Alpha", "Hold it for 8 seconds.")
    known = ask_for_known(corpus, model)
    questions = choose_questions(corpus, "test", limit=None, seed=0)
    asked = [
        asked_question(one, exposure=None, known=known.label(one.fact), gold=False)
        for one in questions
    ]
    made = run_info(corpus, asked, arms=("base",))
    run_evaluation(tmp_path / "run", made, asked, model)
    summary = rebuild(tmp_path / "run")
    by_known = summary["arms"]["base"]["by_known"]
    assert {name: part["n"] for name, part in by_known.items()} == {"known": 1, "unknown": 2}
    assert by_known["known"]["accuracy"]["value"] == 1
    assert by_known["unknown"]["accuracy"]["value"] == 0
    lines = [
        json.loads(line) for line in (tmp_path / "run" / "results.jsonl").read_text().splitlines()
    ]
    assert {line["question_id"]: line.get("known") for line in lines} == {
        "alpha-reset-4": "known", "beta-reset-2": "unknown", "beta-weight-1": "unknown",
        "none-other-1": None, "refuse-other-1": None,
    }  # fmt: skip
