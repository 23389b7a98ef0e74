"""Which ranking finds the evidence: meaning, words, both, and both with the best sentence.

`python benchmarks/retrieval_quality.py halden solar-system FOLDER …` prints a table a corpus:
hit@1, 3 and 5, MRR@10 and nDCG@10 over the test questions that have evidence, each ranking on the
same passages in one run. A passage is relevant when it holds a quote of the evidence, or a sentence
of it.
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np

from core.corpus.read import Corpus
from core.records import Passage, Question
from core.settings import load_settings
from eval.ranking import ranking_measures
from eval.results import holds_evidence
from rag.fusion import min_max_fusion, reciprocal_rank_fusion
from rag.lexical_index import LexicalIndex
from rag.passages import sentence_texts
from rag.retrieval import WEIGHTS
from rag.store import PassageStore, open_store
from workbench import Workbench

DEPTH, CANDIDATES = 10, 50
Ranking = Callable[[str, np.ndarray], list[int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="*", default=["halden", "solar-system"])
    parser.add_argument("--split", default="test")
    given = parser.parse_args()
    workbench = Workbench(load_settings())
    for reference in given.corpora:
        workbench.index(reference)
        corpus = workbench.corpus(reference)
        store = open_store(workbench.state / "indexes" / corpus.name, workbench.encoder())
        assert store is not None
        print_table(workbench, corpus, store, given.split)


def print_table(workbench: Workbench, corpus: Corpus, store: PassageStore, split: str) -> None:
    """Rank for each question by each ranking, and print their measures."""
    questions = [
        one for one in corpus.questions if one.split == split and one.evidence and one.answers
        and one.kind != "refusal"
    ]  # fmt: skip
    vectors = workbench.encoder().encode_questions([one.question for one in questions])
    passages = store.passages(store.manifest.numbers())
    print(f"\n{corpus.name}: {len(questions)} {split} questions, {store.size} passages\n")
    print("| ranking | hit@1 | hit@3 | hit@5 | MRR@10 | nDCG@10 | right document first |")
    print("|---|---|---|---|---|---|---|")
    for name, rank in rankings(workbench, store, passages).items():
        ranked = [
            [passages[number] for number in rank(question.question, vector)]
            for question, vector in zip(questions, vectors, strict=True)
        ]
        pairs = list(zip(questions, ranked, strict=True))
        found = list(ranking_measures([judged(*pair) for pair in pairs]).values())
        # A question may be worded like one section of a document and answered by another.
        found.append(float(np.mean([in_document(*pair) for pair in pairs])))
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in found) + " |", flush=True)


def judged(question: Question, passages: Sequence[Passage]) -> list[bool]:
    return [holds_evidence(question, one.document_id, one.text) for one in passages[:DEPTH]]


def in_document(question: Question, passages: Sequence[Passage]) -> bool:
    """Say whether the first passage is of a document that the answer rests on."""
    return passages[:1] != [] and passages[0].document_id in {
        one.document for one in question.evidence
    }


def rankings(
    workbench: Workbench, store: PassageStore, passages: dict[int, Passage]
) -> dict[str, Ranking]:
    encoder = workbench.encoder()
    numbers = list(passages)
    texts = [f"{passages[number].heading} {passages[number].text}" for number in numbers]
    lucene = LexicalIndex(texts)
    best: dict[int, np.ndarray] = {}

    def near(vector: np.ndarray) -> dict[int, float]:
        return dict(store.near(vector, CANDIDATES))

    def words(question: str) -> dict[int, float]:
        return dict(store.wording(question, CANDIDATES))

    def by_sentence(question: str, vector: np.ndarray) -> dict[int, float]:
        found = {}
        for number in dict.fromkeys([*near(vector), *words(question)]):
            if number not in best:
                best[number] = encoder.encode_documents(sentence_texts(passages[number]))
            found[number] = float((best[number] @ vector).max())
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def by_bm25s(question: str, _: np.ndarray) -> list[int]:
        return [numbers[position] for position, _ in lucene.search(question, DEPTH)]

    def fused(question: str, vector: np.ndarray) -> list[int]:
        pair = [list(near(vector)), list(words(question))]
        return [number for number, _ in reciprocal_rank_fusion(pair)]

    def three(question: str, vector: np.ndarray) -> list[dict[int, float]]:
        return [near(vector), words(question), by_sentence(question, vector)]

    return {
        "meaning (vectors)": lambda _, vector: list(near(vector)),
        "words (FTS5's BM25)": lambda question, _: list(words(question)),
        "words (bm25s, Lucene)": by_bm25s,
        "best sentence": lambda question, vector: list(by_sentence(question, vector)),
        "meaning + words, reciprocal rank": fused,
        "all three, min-max, weights alike": lambda question, vector: [
            number for number, _ in min_max_fusion(three(question, vector))
        ],
        "all three, min-max, weighted (the default)": lambda question, vector: [
            number for number, _ in min_max_fusion(three(question, vector), WEIGHTS)
        ],
        "all three, reciprocal rank": lambda question, vector: [
            number
            for number, _ in reciprocal_rank_fusion([list(one) for one in three(question, vector)])
        ],
    }


if __name__ == "__main__":
    main()
