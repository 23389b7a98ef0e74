"""How long passages should be, and whether they should overlap: what each size finds and reads.

`python benchmarks/passage_size.py FOLDER … --split train` cuts the same documents by several sizes
and overlaps, and ranks the passages of each by meaning and words (reciprocal rank). A size is good
when the evidence is among the best passages; and, because long passages hold more by their length
alone, when the one sentence that is read of the best five holds it.
"""

import argparse
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from semantic_text_splitter import MarkdownSplitter

from core.corpus.read import Corpus
from core.records import Document, Hit, Passage, Question
from core.settings import load_settings
from eval.ranking import ranking_measures
from eval.results import holds_evidence
from rag.fusion import reciprocal_rank_fusion
from rag.lexical_index import LexicalIndex
from rag.passages import searched_text, split_document
from rag.reading import Reader
from workbench import Workbench

SIZES = (300, 600, 1200, 2400)
OVERLAPS = (0.0, 0.25)
DEPTH, CANDIDATES, READ_FROM = 10, 50, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="*", default=["halden", "solar-system"])
    parser.add_argument("--split", default="train")
    parser.add_argument("--limit", type=int, default=200)
    given = parser.parse_args()
    workbench = Workbench(load_settings())
    for reference in given.corpora:
        corpus = workbench.corpus(reference)
        asked = [one for one in corpus.of_split(given.split) if one.evidence and one.answers]
        asked = asked[:: max(1, len(asked) // given.limit)]
        print(f"\n{corpus.name}: {len(asked)} {given.split} questions\n")
        print(
            "| characters | overlap | passages | hit@1 | hit@3 | hit@5 | read sentence holds it |"
        )
        print("|---|---|---|---|---|---|---|")
        for size in SIZES:
            for overlap in OVERLAPS:
                measure(workbench, corpus, asked, size=size, overlap=overlap)


def measure(
    workbench: Workbench, corpus: Corpus, asked: Sequence[Question], *, size: int, overlap: float
) -> None:
    """Print one row."""
    passages = [one for each in corpus.documents for one in cut(each, size, overlap)]
    encoder = workbench.encoder()
    vectors = encoder.encode_documents([searched_text(one) for one in passages])
    words = LexicalIndex([searched_text(one) for one in passages], language=corpus.info.language)
    reader = Reader(encoder, language=corpus.info.language)
    ranked, read = [], []
    for question, vector in zip(
        asked, encoder.encode_questions([one.question for one in asked]), strict=True
    ):
        dense = np.argsort(-(vectors @ vector), kind="stable")[:CANDIDATES].tolist()
        lexical = [number for number, _ in words.search(question.question, CANDIDATES)]
        best = [number for number, _ in reciprocal_rank_fusion([dense, lexical])][:DEPTH]
        ranked.append(
            [holds_evidence(question, passages[n].document_id, passages[n].text) for n in best]
        )
        hits = [Hit(passage=passages[number], score=0.0) for number in best[:READ_FROM]]
        [window] = reader.windows(question.question, hits)
        read.append(any(answer.casefold() in window.text.casefold() for answer in question.answers))
    found = ranking_measures(ranked)
    print(
        f"| {size} | {overlap:.0%} | {len(passages)} | {found['hit@1']:.3f} | {found['hit@3']:.3f} "
        f"| {found['hit@5']:.3f} | {np.mean(read):.3f} |",
        flush=True,
    )


def cut(document: Document, size: int, overlap: float) -> list[Passage]:
    """The document's own sections, cut by another size."""
    splitter = MarkdownSplitter(size, overlap=int(size * overlap))
    whole = split_document(document)
    # Passages of one section follow each other under one heading: put together, then cut anew.
    starts = [
        number
        for number, (one, other) in enumerate(pairwise([None, *whole]))
        if one is None or other is None or one.heading != other.heading
    ]
    found = []
    for first, last in pairwise([*starts, len(whole)]):
        begin, end = whole[first].start, whole[last - 1].end
        for offset, text in splitter.chunk_indices(document.text[begin:end]):
            start = begin + offset
            found.append(
                Passage(
                    id=f"{document.id}#{start}", document_id=document.id, start=start,
                    end=start + len(text), text=text, heading=whole[first].heading,
                )
            )  # fmt: skip
    return found


if __name__ == "__main__":
    main()
