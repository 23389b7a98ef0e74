"""What an open-book arm makes of what was found: its answers, its citations, what it withholds.

`python benchmarks/reading.py FOLDER …` asks the `rag` arm (no training) the test questions of each
corpus and prints accuracy and token F1 with their intervals; of the citations, the share of the
evidence that is covered and the share of cited characters that are evidence; and the floor below
which an answer is withheld, with its area under the curve and both errors on validation and test.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.corpus.read import Corpus
from core.records import DECLINED_KINDS, Question, Split
from core.settings import load_settings
from rag.floor import area_under_curve, choose_floor, nearness
from workbench import Workbench


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="*", default=["halden", "solar-system"])
    parser.add_argument("--limit", type=int, help="a seeded sample of so many questions")
    parser.add_argument("--floors-only", action="store_true", help="ask the model nothing")
    given = parser.parse_args()
    workbench = Workbench(load_settings())
    if not given.floors_only:
        print("| corpus | n | accuracy | F1 | evidence covered | cited characters in evidence |")
        print("|---|---|---|---|---|---|")
        for reference in given.corpora:
            answers(workbench, reference, given.limit)
        print()
    print(
        "| corpus | floor | split | answerable | unanswerable | area | withheld wrongly "
        "| answered wrongly |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for reference in given.corpora:
        floors(workbench, reference)


def answers(workbench: Workbench, reference: str, limit: int | None) -> None:
    """Ask the test questions, and print a row."""
    corpus = workbench.corpus(reference)
    with tempfile.TemporaryDirectory() as folder:
        summary, out = workbench.evaluate(
            reference, arms=["rag"], limit=limit, out=Path(folder), oracle=False
        )
        lines = (out / "results.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    metrics = summary["arms"]["rag"]["metrics"]
    shown = [
        f"{metrics[name]['value']:.2f} [{metrics[name]['low']:.2f}, {metrics[name]['high']:.2f}]"
        for name in ("accuracy", "f1")
    ]
    covered, precise = citations(corpus, rows)
    print(
        f"| {corpus.name} | {len(rows)} | {shown[0]} | {shown[1]} | {covered:.3f} | {precise:.3f} "
        "|",
        flush=True,
    )


def citations(corpus: Corpus, rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Share of the evidence's characters that answers cite, and of cited ones that are evidence.

    Over the questions that have evidence and got an answer; all characters count alike.
    """
    questions = {one.id: one for one in corpus.questions}
    texts = {document.id: document.text for document in corpus.documents}
    gold_count = cited_count = both = 0
    for row in rows:
        question = questions[row["question_id"]]
        gold = evidence(question, texts)
        if not gold or row["abstained"]:
            continue
        cited = {
            (one["passage_id"].rpartition("#")[0], offset)
            for one in row["citations"]
            for offset in range(one["start"], one["end"])
        }
        gold_count += len(gold)
        cited_count += len(cited)
        both += len(gold & cited)
    return both / max(1, gold_count), both / max(1, cited_count)


def evidence(question: Question, texts: dict[str, str]) -> set[tuple[str, int]]:
    """Where the quotes of a question's evidence stand: (document, character)."""
    found = set()
    for one in question.evidence:
        start = texts.get(one.document, "").find(one.quote)
        if start >= 0:
            found |= {(one.document, start + offset) for offset in range(len(one.quote))}
    return found


def floors(workbench: Workbench, reference: str) -> None:
    """Print the errors at the stored floor, and at one that withholds ten times as much.

    On the questions it was chosen on, on the test's, and on the general probes: another topic.
    """
    corpus = workbench.corpus(reference)
    library = workbench.library(corpus)

    def near(questions: Sequence[Question]) -> list[float]:
        found = [library.retriever.retrieve(one.question, library.k) for one in questions]
        return [nearness(hits) for hits in found]

    def sorts(split: Split) -> tuple[list[float], list[float]]:
        asked = [one for one in corpus.of_split(split) if one.kind != "refusal"]
        return (
            near([one for one in asked if one.kind not in DECLINED_KINDS]),
            near([one for one in asked if one.kind in DECLINED_KINDS]),
        )

    validation, test = sorts("validation"), sorts("test")
    other = near(workbench.corpus("general-knowledge").of_split("test"))
    for name, floor in (
        ("stored", library.floor.value),
        ("10 %", choose_floor(*validation, most=0.1).value),
    ):
        print_errors(f"{corpus.name} | {name} | validation", floor, *validation)
        print_errors(f"{corpus.name} | {name} | test", floor, *test)
        print_errors(f"{corpus.name} | {name} | test, other topics", floor, test[0], other)


def print_errors(
    name: str, floor: float | None, answerable: Sequence[float], unanswerable: Sequence[float]
) -> None:
    """Print how a floor tells two sets of questions apart."""
    counts = f"{len(answerable)} | {len(unanswerable)}"
    if floor is None or not (answerable and unanswerable):
        print(f"| {name} | {counts} | – | – | – |", flush=True)
        return
    area = area_under_curve(answerable, unanswerable)
    withheld = sum(one < floor for one in answerable) / len(answerable)
    answered = sum(one >= floor for one in unanswerable) / len(unanswerable)
    print(f"| {name} | {counts} | {area:.2f} | {withheld:.3f} | {answered:.3f} |", flush=True)


if __name__ == "__main__":
    main()
