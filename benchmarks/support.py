"""How often the check of an answer against the documents errs, at several thresholds.

`python benchmarks/support.py CORPUS…` holds each question's approved answer against the passages
that retrieval finds for it, and the same answer with another value in it: the number that answers
the most similar other question (another product's warranty), which the passages often hold as well.
A true answer with a sentence called unsupported is a false alarm, a changed answer without one a
miss. The threshold is chosen on the train questions and judged on the test questions.
"""

import argparse
import re
from collections.abc import Sequence
from unittest.mock import patch

import numpy as np

from core.corpus.read import Corpus
from core.records import DECLINED_KINDS, Question, Split
from core.settings import load_settings
from rag.citations import align
from rag.embedding_cache import CachedEncoder
from rag.library import Library
from workbench import Workbench

THRESHOLDS = (0.4, 0.5, 0.6, 0.7)
#: Questions looked at: enough to choose by, and no more.
MOST = 150
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="+")
    given = parser.parse_args()
    workbench = Workbench(load_settings())
    print("| corpus | split | threshold | false alarms | misses |\n|---|---|---|---|---|")
    for reference in given.corpora:
        corpus = workbench.corpus(reference)
        library = workbench.library(corpus)
        for split in ("train", "test"):
            judge(corpus, library, split, workbench.encoder())


def judge(corpus: Corpus, library: Library, split: Split, encoder: CachedEncoder) -> None:
    """Print a row a threshold."""
    asked = [one for one in corpus.of_split(split) if one.kind not in DECLINED_KINDS]
    asked = asked[:: max(1, len(asked) // MOST)]
    vectors = encoder.encode_questions([one.question for one in asked])
    found = [
        [hit.passage for hit in library.retriever.retrieve(one.question, library.k)]
        for one in asked
    ]
    changed = [with_other_value(position, asked, vectors) for position in range(len(asked))]
    for threshold in THRESHOLDS:
        with patch("rag.citations._SUPPORTED", threshold):
            alarms = [
                bool(align(one.answers[0], passages).unsupported)
                for one, passages in zip(asked, found, strict=True)
            ]
            misses = [
                not align(answer, passages).unsupported
                for answer, passages in zip(changed, found, strict=True)
                if answer is not None
            ]
        print(
            f"| {corpus.name} | {split} | {threshold} | {np.mean(alarms):.3f} of {len(alarms)} "
            f"| {np.mean(misses):.3f} of {len(misses)} |",
            flush=True,
        )


def with_other_value(position: int, asked: Sequence[Question], vectors: np.ndarray) -> str | None:
    """The approved answer with the number of the most similar question that has another."""
    answer = asked[position].answers[0]
    own = NUMBER.findall(answer)
    if not own:
        return None
    for other in np.argsort(-(vectors @ vectors[position])):
        for value in NUMBER.findall(asked[other].answers[0]):
            if value not in own:
                return answer.replace(own[0], value, 1)
    return None


if __name__ == "__main__":
    main()
