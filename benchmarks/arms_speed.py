"""Four arms side by side, batches against single questions, first token, memory.

Both sides of a ratio are timed in turns in this one run. Other work on the machine slows single
arms more than the batch, so run it alone: `make bench`, or
`python benchmarks/arms_speed.py --questions 48`.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Sequence

from arms import Arms
from core.records import ARM_NAMES, Question
from core.settings import load_settings
from workbench import Workbench


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default="halden")
    parser.add_argument("--questions", type=int, default=16)
    given = parser.parse_args()
    workbench = Workbench(load_settings())
    corpus = workbench.corpus(given.corpus)
    arms = workbench.arms(given.corpus)
    questions = spread(corpus.of_split("test"), given.questions)
    arms.answer([questions[0].question], ARM_NAMES)  # warm: files, caches, threads
    doctor = workbench.doctor()
    print(f"{doctor['processors']} processors, {doctor['dtype']} on {doctor['device']}, ", end="")
    print(f"torch {doctor['versions']['torch']}, {len(questions)} test questions of {corpus.name}")
    print()
    print("| measured | value | goal |")
    print("|---|---|---|")
    side_by_side(arms, questions)
    first_tokens(arms, questions)
    batches(arms, questions)
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"| peak memory of this process | {peak / 2**30:.2f} GiB | |")


def spread(questions: Sequence[Question], count: int) -> list[Question]:
    """Take so many questions, evenly over the split, so that every kind is among them."""
    step = max(1, len(questions) // count)
    return list(questions)[::step][:count]


def side_by_side(arms: Arms, questions: Sequence[Question]) -> None:
    """Time each question by each arm alone and by all four together, in turns."""
    together, slowest, in_a_row = [], [], []
    for question in questions:
        alone = []
        for arm in ARM_NAMES:
            began = time.perf_counter()
            for _ in arms.stream(question.question, [arm]):
                pass
            alone.append(time.perf_counter() - began)
        began = time.perf_counter()
        for _ in arms.stream(question.question, ARM_NAMES):
            pass
        together.append(time.perf_counter() - began)
        slowest.append(max(alone))
        in_a_row.append(sum(alone))
    ratio = sum(together) / sum(slowest)
    print(f"| four arms side by side ÷ the slowest arm alone, time | {ratio:.2f} × | ≤ 1.4 |")
    ratio = sum(in_a_row) / sum(together)
    print(f"| four arms one after another ÷ side by side, time | {ratio:.2f} × | |")
    median = statistics.median(together)
    print(f"| four finished answers to one question, median | {median:.2f} s | |")


def first_tokens(arms: Arms, questions: Sequence[Question]) -> None:
    """Time from the question to the first word, retrieval included, all four side by side."""
    seconds: dict[str, list[float]] = {arm: [] for arm in ARM_NAMES}
    for question in questions:
        for delta in arms.stream(question.question, ARM_NAMES):
            if delta.answer is not None:
                seconds[delta.arm].append(delta.answer.first_token_seconds)
    for arm, values in seconds.items():
        print(f"| first token of {arm}, median | {statistics.median(values):.2f} s | |")


def batches(arms: Arms, questions: Sequence[Question]) -> None:
    """Time a scored set in fixed batches against one question and one arm at a time."""
    texts = [question.question for question in questions]
    began = time.perf_counter()
    arms.answer(texts, ARM_NAMES)
    batched = time.perf_counter() - began
    began = time.perf_counter()
    for text in texts:
        for arm in ARM_NAMES:
            arms.answer([text], [arm])
    single = time.perf_counter() - began
    print(f"| one by one ÷ in batches of 16, four arms, time | {single / batched:.2f} × | ≥ 4 |")


if __name__ == "__main__":
    main()
