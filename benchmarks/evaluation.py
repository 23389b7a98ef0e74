"""The batched, logged evaluation against a plain loop; and whether its memory stays flat.

Both sides of the ratio answer the same questions in this one run, by turns of one batch, the loop
one question and one arm at a time with the same model and prompts, and without a log. Run it alone:
`python benchmarks/evaluation.py --questions 64 --memory-questions 5000`. The memory is that of the
model in use; `SFT_VS_RAG_BASE_MODEL` names a smaller one where 5,000 questions take too long.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from arms_speed import spread

from arms import Arms
from core.generation import QUESTIONS_A_BATCH
from core.records import ARM_NAMES, ArmName, AskedName
from core.settings import load_settings
from eval.run_files import AskedQuestion, RunInfo, asked_question, questions_fingerprint
from eval.runner import batches, run_evaluation
from workbench import Workbench

#: Evaluations, one after the other in one process, that the memory is watched over.
_RUNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default="halden")
    parser.add_argument("--questions", type=int, default=64)
    parser.add_argument("--memory-questions", type=int, default=5000)
    parser.add_argument("--arms", default=",".join(ARM_NAMES))
    given = parser.parse_args()
    workbench = Workbench(load_settings())
    corpus = workbench.corpus(given.corpus)
    arms = workbench.arms(given.corpus)
    names: list[ArmName] = [name for name in ARM_NAMES if name in given.arms.split(",")]
    questions = [
        asked_question(one, exposure=None, known=None, gold=False)
        for one in spread(corpus.of_split("test"), given.questions)
    ]
    doctor = workbench.doctor()
    print(f"{doctor['processors']} processors, {doctor['dtype']} on {doctor['device']}, ", end="")
    print(f"{workbench.settings.base_model}, torch {doctor['versions']['torch']}")
    print("\n| measured | value | goal |\n|---|---|---|")
    speed(arms, questions, names)
    if given.memory_questions:
        memory(arms, questions, names, count=given.memory_questions)


def speed(arms: Arms, questions: Sequence[AskedQuestion], names: Sequence[AskedName]) -> None:
    """Time each batch, then its questions one by one."""
    arms.answer_batch([questions[0].question], names[0])  # warm: files, caches, threads
    batched, single, pairs = 0.0, 0.0, []
    for batch in batches(questions, names):
        texts = [one.question for one in batch.questions]
        began = time.perf_counter()
        arms.answer_batch(texts, batch.arm)
        together = time.perf_counter() - began
        began = time.perf_counter()
        for text in texts:
            arms.answer_batch([text], batch.arm)
        alone = time.perf_counter() - began
        batched, single = batched + together, single + alone
        pairs.append(alone / together)
    count = len(questions) * len(names)
    print(f"| plain loop ÷ batches of {QUESTIONS_A_BATCH}, time | {single / batched:.2f} × | ≥ 5 |")
    print(f"| the same, of the worst and the best batch | {min(pairs):.2f}, {max(pairs):.2f} × | |")
    print(f"| an answer, in batches and alone | {batched / count:.3f}, {single / count:.3f} s | |")


def memory(
    arms: Arms, questions: Sequence[AskedQuestion], names: Sequence[ArmName], *, count: int
) -> None:
    """Evaluate so many questions in five runs, and compare the most memory of the last and first.

    Not one run's beginning with its end: a run asks short questions first, and long ones need more.
    """
    runs = [most_memory(arms, questions, names, count=count // _RUNS) for _ in range(_RUNS)]
    first, last = runs[0][0], runs[-1][0]
    told = f"most memory over the first {count // _RUNS} questions, and over the last of {count}"
    print(f"| {told} | {first:.0f}, {last:.0f} MiB (× {last / first:.2f}) | flat |")
    print(f"| the logs of {count} questions by {len(names)} arms | "
          f"{sum(size for _, size in runs) / 2**20:.1f} MiB | |")  # fmt: skip


def most_memory(
    arms: Arms, questions: Sequence[AskedQuestion], names: Sequence[ArmName], *, count: int
) -> tuple[float, int]:
    """Evaluate so many questions; the most memory that was held (MiB), and the log's bytes."""
    asked = [
        questions[number % len(questions)].model_copy(update={"id": f"q{number}"})
        for number in range(count)
    ]
    info = RunInfo(
        corpus="benchmark",
        corpus_title="Benchmark",
        corpus_fingerprint="",
        split="test",
        seed=0,
        limit=None,
        n=count,
        arms=tuple(names),
        provenance={name: arms.provenance(name).model_dump() for name in names},
        abstain_text="",
        questions_fingerprint=questions_fingerprint(asked),
        machine={},
        started="",
    )
    seen: list[float] = []

    def watch(done: int, of: int, left: float | None) -> None:
        seen.append(resident())

    with tempfile.TemporaryDirectory() as folder:
        run_evaluation(Path(folder), info, asked, arms, report=watch)
        return max(seen), (Path(folder) / "answers.jsonl").stat().st_size


def resident() -> float:
    """Memory that the process holds now, in MiB; its peak where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
        return pages * resource.getpagesize() / 2**20
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


if __name__ == "__main__":
    main()
