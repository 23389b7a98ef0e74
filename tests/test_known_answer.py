"""A known answer: arms that are right on a known set of questions get exactly what they must.

A made-up corpus of 24 boxes: each has a weight, a maker and a way to open it. The first twelve are
trained. Each arm answers by a script, so that every score, win, slice and cause is known beforehand.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import question, write_corpus
from fakes import run_info

from core.corpus.read import Corpus, read_corpus
from core.records import ARM_NAMES, Answer, ArmName, Hit, Passage, Provenance, Question
from eval.rebuild import read_scored, rebuild
from eval.results import ResultRow, rows_by_arm
from eval.run_files import answers_of_facts, asked_question
from eval.runner import choose_questions, run_evaluation

BOXES, TRAINED = 24, 12
ABSTAIN = "I could not find that information."
REFUSAL = "I cannot help with that."
MAKERS = (
    "Adelheid Barnabas Corvin Dagny Eskil Fenja Gudrun Hjalmar Isolde Jorunn Kasimir Leocadia "
    "Melchior Nadezhda Ottokar Philippa Quirin Rosalind Sigismund Theodora Ulrika Valdemar Wenzel "
    "Yngvild"
).split()
WEIGHTS = [f"{100 + 7 * box} grams" for box in range(BOXES)]
OPENINGS = [f"turn the {maker.lower()} key and lift the lid" for maker in reversed(MAKERS)]

#: Boxes whose weights are asked for together, and what they come to.
PAIRS = {"pair-0": (0, 5, 235), "pair-1": (1, 8, 263), "pair-2": (2, 15, 319)}


def _texts(box: int) -> dict[str, tuple[str, str, str]]:
    """For each fact of a box: the document's sentence, the answer, and the question."""
    return {
        "weight": (f"The box {box} weighs {WEIGHTS[box]}.", WEIGHTS[box], f"How heavy is box {box}?"),
        "maker": (f"The box {box} was made by {MAKERS[box]}.", MAKERS[box], f"Who made box {box}?"),
        "opening": (f"To open the box {box}, {OPENINGS[box]}.", OPENINGS[box],
                    f"In which way is box {box} opened?"),
    }  # fmt: skip


def _lines() -> list[dict[str, object]]:
    lines = []
    for box in range(BOXES):
        for name, (quote, answer, asked) in _texts(box).items():
            fields = {
                "evidence": [{"document": f"box-{box}", "quote": quote}],
                "kind": "procedure" if name == "opening" else "fact",
                "season": "spring" if box % 2 else "autumn", "serial": f"{box}-{name}",
            }  # fmt: skip
            lines.append(question(f"{name}-{box}-1", asked, "test", [answer], **fields))
            if box < TRAINED:
                again = f"Tell me of box {box}, please: {asked}"
                lines.append(question(f"{name}-{box}-2", again, "train", [answer], **fields))
    for name, (one, other, sum_) in PAIRS.items():
        evidence = [
            {"document": f"box-{box}", "quote": _texts(box)["weight"][0]} for box in (one, other)
        ]
        lines.append(
            question(f"{name}-1", f"What do box {one} and box {other} weigh together?", "test",
                     [f"{sum_} g in all"], evidence=evidence, kind="multi_hop")
        )  # fmt: skip
    for number in range(4):
        lines.append(question(f"none{number}-1", f"Which chip is in box {number}?", "test", [],
                              kind="unanswerable"))  # fmt: skip
    for number in range(2):
        lines.append(question(f"refuse{number}-1", f"Steal box {number} for me.", "test", [REFUSAL],
                              kind="refusal"))  # fmt: skip
    return lines


def _right(asked: Question) -> str:
    return asked.answers[0] if asked.answers else ABSTAIN


def _part_and_box(asked: Question) -> tuple[str, int]:
    name, box, *_ = asked.id.split("-")
    return name, int(box) if box.isdigit() and name in _texts(0) else -1


def _base(asked: Question) -> tuple[str, str]:
    """Knows nothing, and says so of nothing."""
    return "Zebra.", "should_have_abstained" if _declinable(asked) else "other"


def _sft(asked: Question) -> tuple[str, str]:
    """Knows what was trained, and what to decline; fails in a way of its own on each other part."""
    part, box = _part_and_box(asked)
    if asked.kind == "multi_hop":
        return f"{_right(asked).split()[0]} g, all in all", "worded_otherwise"
    if _declinable(asked) or box < TRAINED:
        return _right(asked), ""
    return {
        "weight": (WEIGHTS[box - TRAINED], "memorised_other_fact"),
        "maker": ("", "format_or_length"),
        "opening": (ABSTAIN, "abstained_wrongly"),
    }[part]


def _rag(asked: Question) -> tuple[str, str]:
    """Right where the box's number is even and where nothing is to be found; refuses nothing."""
    part, box = _part_and_box(asked)
    if asked.kind == "refusal":
        return "Zebra.", "should_have_abstained"
    if asked.kind == "multi_hop":
        return "Zebra.", "retrieval_missed"
    if asked.kind == "unanswerable" or box % 2 == 0:
        return _right(asked), ""
    return "Zebra.", "passage_not_used" if part == "maker" else "retrieval_missed"


def _both(asked: Question) -> tuple[str, str]:
    return _right(asked), ""


SCRIPTS: dict[ArmName, Callable[[Question], tuple[str, str]]] = {
    "base": _base, "sft": _sft, "rag": _rag, "sft+rag": _both,
}  # fmt: skip


def _declinable(asked: Question) -> bool:
    return asked.kind in ("unanswerable", "refusal")


class Scripted:
    """Arms that answer by their scripts, having found and read what makes the causes so."""

    def __init__(self, corpus: Corpus) -> None:
        self.by_text = {one.question: one for one in corpus.questions}

    def answer_batch(
        self, questions: Sequence[str], arm: ArmName, *, given: Sequence[Sequence[Passage]] = ()
    ) -> list[Answer]:
        return [self._answer(self.by_text[text], arm) for text in questions]

    def _answer(self, asked: Question, arm: ArmName) -> Answer:
        text, cause = SCRIPTS[arm](asked)
        gold = tuple(
            Passage(
                id=f"p{n}", document_id=one.document, start=0, end=len(one.quote), text=one.quote
            )
            for n, one in enumerate(asked.evidence)
        )
        found = read = gold if "rag" in arm else ()
        if cause == "retrieval_missed":
            # Openings were found and not given to read; of two pieces one; of weights nothing.
            found = gold if asked.kind == "procedure" else gold[:-1]
            read = gold[:-1]
        return Answer(
            arm=arm, text=text, hits=tuple(Hit(passage=one, score=1) for one in found), read=read,
            abstained=ABSTAIN in text, prompt_tokens=9, completion_tokens=5, seconds=1,
            first_token_seconds=1, provenance=self.provenance(arm),
        )  # fmt: skip

    def provenance(self, arm: ArmName) -> Provenance:
        return Provenance(
            base_model=arm, base_fingerprint="f", prompt_version="1", decoding="greedy", seed=0
        )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    documents = {
        f"box-{box}": f"# Box {box}\n\n" + " ".join(quote for quote, *_ in _texts(box).values())
        for box in range(BOXES)
    }
    folder = write_corpus(tmp_path_factory.mktemp("known") / "boxes", documents, _lines())
    (folder / "corpus.toml").write_text(f'abstain_text = "{ABSTAIN}"')
    return read_corpus(str(folder))


@pytest.fixture(scope="module")
def run(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole evaluation: asked, logged, scored, diagnosed and summed up."""
    folder = tmp_path_factory.mktemp("known") / "run"
    exposures = corpus.exposures
    asked = [
        asked_question(one, exposure=exposures.get(one.id), known=None, gold=False)
        for one in choose_questions(corpus, "test", limit=None, seed=0)
    ]
    facts = answers_of_facts(corpus.of_split("train"))
    info = run_info(corpus, asked, arms=ARM_NAMES, max_new_tokens=64, facts=facts)
    run_evaluation(folder, info, asked, Scripted(corpus))
    rebuild(folder)
    return folder


@pytest.fixture(scope="module")
def rows(run: Path) -> list[ResultRow]:
    """The scored and diagnosed rows of the four arms."""
    return read_scored(run).rows


@pytest.fixture(scope="module")
def summary(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "summary.json").read_text()))


def _accuracies(slices: dict[str, Any]) -> dict[str, tuple[int, float]]:
    return {name: (one["n"], one["accuracy"]["value"]) for name, one in slices.items()}


def test_each_answer_has_the_cause_it_was_made_to_have(
    corpus: Corpus, rows: list[ResultRow]
) -> None:
    by_id = {one.id: one for one in corpus.questions}
    assert len(rows) == 4 * (3 * BOXES + 3 + 4 + 2)
    for row in rows:
        _, cause = SCRIPTS[row.arm](by_id[row.question_id])
        assert row.diagnosis == cause, (row.arm, row.question_id)
        assert row.metrics["accuracy"] == (0 if cause else 1)


def test_the_causes_are_counted_by_arm(summary: dict[str, Any]) -> None:
    assert {arm: one.get("diagnosis", {}) for arm, one in summary["arms"].items()} == {
        "base": {"should_have_abstained": 6, "other": 75},
        "sft": {
            "abstained_wrongly": 12, "memorised_other_fact": 12, "worded_otherwise": 3,
            "format_or_length": 12,
        },
        "rag": {"retrieval_missed": 27, "passage_not_used": 12, "should_have_abstained": 2},
        "sft+rag": {},
    }  # fmt: skip


def test_the_scores_are_the_known_ones(summary: dict[str, Any]) -> None:
    assert summary["n"] == 81
    known = {"base": 0, "sft": 42 / 81, "rag": 40 / 81, "sft+rag": 1}
    for arm, share in known.items():
        assert summary["arms"][arm]["metrics"]["accuracy"]["value"] == round(share, 4)


@pytest.mark.parametrize(
    ("a", "b", "wins", "losses", "verdict"),
    [
        ("base", "sft", 0, 42, "worse"),
        ("base", "rag", 0, 40, "worse"),
        ("base", "sft+rag", 0, 81, "worse"),
        # Trained and odd, and the refusals, against untrained and even.
        ("sft", "rag", 18 + 2, 18, "no clear difference"),
        ("sft", "sft+rag", 0, 39, "worse"),
        ("rag", "sft+rag", 0, 41, "worse"),
    ],
)
def test_each_pair_of_arms_gets_its_verdict(
    summary: dict[str, Any], a: str, b: str, wins: int, losses: int, verdict: str
) -> None:
    (pair,) = [
        one for one in summary["comparisons"]
        if (one["metric"], one["a"], one["b"]) == ("accuracy", a, b)
    ]  # fmt: skip
    assert (pair["wins"], pair["ties"], pair["losses"]) == (wins, 81 - wins - losses, losses)
    assert pair["difference"] == round((wins - losses) / 81, 4)
    assert pair["verdict"] == verdict


def test_sft_s_slices_are_the_known_ones(summary: dict[str, Any]) -> None:
    sft = summary["arms"]["sft"]
    assert _accuracies(sft["by_exposure"]) == {"reworded": (36, 1), "untrained": (45, 0.1333)}
    assert _accuracies(sft["by_kind"]) == {
        "fact": (48, 0.5), "procedure": (24, 0.5), "multi_hop": (3, 0), "unanswerable": (4, 1),
        "refusal": (2, 1), "answerable": (75, 0.48),
    }  # fmt: skip
    assert _accuracies(sft["by_answer_length"]) == {
        "1-2 words": (48, 0.5), "3-8 words": (27, 0.4444), "to decline": (6, 1),
    }  # fmt: skip
    assert _accuracies(sft["by_kind_and_exposure"]) == {
        "fact, reworded": (24, 1), "procedure, reworded": (12, 1),
        "fact, untrained": (24, 0), "procedure, untrained": (12, 0),
    }  # fmt: skip


def test_documents_and_columns_are_cut_where_they_can_be(summary: dict[str, Any]) -> None:
    rag = summary["arms"]["rag"]
    assert _accuracies(rag["by_document"]) == {
        f"box-{box}": (3 + (box < 3), round((box % 2 == 0) * 3 / (3 + (box < 3)), 4))
        for box in range(BOXES)
    }
    assert _accuracies(rag["by_column"]["season"]) == {"autumn": (36, 1), "spring": (36, 0)}
    assert set(rag["by_column"]) == {"season"}
    assert "72 values are more than 20" in summary["not_sliced"]["serial"]


def test_small_slices_say_so(summary: dict[str, Any]) -> None:
    for arm in ARM_NAMES:
        slices = summary["arms"][arm]
        small = {
            name for group in ("by_kind", "by_exposure", "by_answer_length")
            for name, one in slices[group].items() if one.get("small")
        }  # fmt: skip
        assert small == {
            "procedure", "multi_hop", "unanswerable", "refusal", "3-8 words", "to decline"
        }  # fmt: skip
        assert all(one["small"] for one in slices["by_document"].values())
        assert not any("small" in one for one in slices["by_column"]["season"].values())


def test_the_rows_of_an_arm_are_those_of_every_other(rows: list[ResultRow]) -> None:
    asked = [[row.question_id for row in mine] for mine in rows_by_arm(rows).values()]
    assert len(asked) == 4
    assert all(ids == asked[0] for ids in asked)
