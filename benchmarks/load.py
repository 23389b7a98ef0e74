"""Many visitors ask one page at once: does each get its own answer, how long do they wait.

First one visitor alone asks every question, which gives the answers that the crowd must get: the
same model, the same greedy decoding, the same arms in a batch. Then 32 visitors ask for 3 minutes,
each by its own client and session. It fails when one gets another's answer, a base answer from a
fine-tuned arm or any other text, when one hangs, or when memory grows: `make soak`, or
`python benchmarks/load.py`.
"""

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from gradio_client import Client
from served import Server, serving, spread

from core.corpus.read import read_corpus
from core.records import ARM_NAMES, FINE_TUNED

#: Seconds after which a question counts as hanging, however long the queue.
PATIENCE = 300.0
#: How much the memory may grow from the first third of the time to the last.
GROWTH = 1.05


@dataclass(frozen=True)
class Case:
    """A question, asked of some arms: they are one batch, which decides the answers' last bits."""

    domain: str
    question: str
    arms: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """What one visitor saw of one question."""

    case: Case
    texts: Mapping[str, str]
    seconds: float
    #: Whether the visitor waited behind others, and was told for how long.
    queued: bool = False
    told: bool = False
    failure: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--questions", type=int, default=8, help="of each domain")
    parser.add_argument("--domains", nargs="+", default=["halden", "solar-system"])
    parser.add_argument(
        "--views", nargs="+", default=["sft,rag", ",".join(ARM_NAMES)], help="arms asked together"
    )
    given = parser.parse_args()
    cases = cases_of(given.domains, given.questions, [view.split(",") for view in given.views])
    with serving() as server:
        known = alone(server.address, cases)
        with Memory(server) as memory:
            seen = crowd(server.address, cases, visitors=given.visitors, seconds=given.seconds)
    problems = problems_of(seen, known) + memory.problems()
    report(seen, known, memory, given.visitors)
    for problem in problems:
        print(f"- {problem}")
    sys.exit(1 if problems else 0)


def cases_of(domains: Sequence[str], questions: int, views: Sequence[Sequence[str]]) -> list[Case]:
    """Take test questions of each domain, asked of one view's arms after the other's."""
    return [
        Case(domain, question, tuple(views[index % len(views)]))
        for domain in domains
        for index, question in enumerate(spread(read_corpus(domain).of_split("test"), questions))
    ]


def alone(address: str, cases: Sequence[Case]) -> dict[Case, Mapping[str, str]]:
    """Ask every question with nobody beside."""
    client = Client(address, verbose=False)
    known = {}
    for case in cases:
        seen = ask(client, case)
        if seen.failure:
            raise SystemExit(f"{case.question!r} is not answered at all: {seen.failure}")
        known[case] = seen.texts
    return known


def crowd(address: str, cases: Sequence[Case], *, visitors: int, seconds: float) -> list[Seen]:
    """Let so many visitors ask at once, one question after the other, until the time is over."""
    end = time.monotonic() + seconds

    def visit(visitor: int) -> list[Seen]:
        client = Client(address, verbose=False)
        seen: list[Seen] = []
        while time.monotonic() < end and not (seen and seen[-1].failure):
            # Neighbours in the queue ask different things.
            seen.append(ask(client, cases[(visitor + 5 * len(seen)) % len(cases)]))
        return seen

    with ThreadPoolExecutor(visitors) as pool:
        return [one for visit_of_one in pool.map(visit, range(visitors)) for one in visit_of_one]


def ask(client: Any, case: Case, *, patience: float = PATIENCE) -> Seen:
    """Ask one question as a page does: wait in the queue, take what it says of itself."""
    began = time.monotonic()
    queued = told = False
    try:
        job = client.submit(case.domain, case.question, list(case.arms), api_name="/ask")
        while not job.done():
            if time.monotonic() - began > patience:
                return Seen(case, {}, patience, queued, told, f"no answer in {patience:.0f} s")
            status = job.status()
            if status.rank is not None and status.rank > 0:
                queued = True
                told = told or status.eta is not None
            time.sleep(0.25)
        texts = {answer["arm"]: answer["text"] for answer in job.result()["answers"]}
    except Exception as error:  # whatever a client raises, the visitor got no answer
        return Seen(case, {}, time.monotonic() - began, queued, told, f"{error!r}"[:200])
    return Seen(case, texts, time.monotonic() - began, queued, told)


def problems_of(seen: Sequence[Seen], known: Mapping[Case, Mapping[str, str]]) -> list[str]:
    """Say in a sentence each what no visitor should have seen."""
    problems = [] if seen else ["nobody asked anything"]
    for one in seen:
        if one.failure:
            problems.append(f"{one.case.question!r}: {one.failure}")
            continue
        if set(one.texts) != set(one.case.arms):
            problems.append(f"{one.case.question!r}: the arms {sorted(one.texts)} answered")
            continue
        for arm, text in one.texts.items():
            if text != known[one.case][arm]:
                problems.append(
                    f"{one.case.question!r}, {arm}: {_whose(one.case, arm, text, known)}"
                )
    waited = [one for one in seen if one.queued]
    if waited and not any(one.told for one in waited):
        problems.append("nobody in the queue was told how long it takes")
    return problems


def _whose(case: Case, arm: str, text: str, known: Mapping[Case, Mapping[str, str]]) -> str:
    if arm in FINE_TUNED and text in (known[case].get("base"), known[case].get("rag")):
        return "the answer of the weights without the adapter"
    for other, texts in known.items():
        if other != case and text in texts.values():
            return f"the answer to {other.question!r}"
    return f"another text than alone: {text[:80]!r}"


class Memory:
    """Notes a server's memory each second."""

    def __init__(self, server: Server) -> None:
        """Start with the block."""
        self._measure: Callable[[], int] = server.memory
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._note, daemon=True)
        self.noted: list[int] = []

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _note(self) -> None:
        while not self._over.wait(1):
            self.noted.append(self._measure())

    def thirds(self) -> tuple[float, float]:
        """Return the median of the first third and of the last, in bytes."""
        third = max(1, len(self.noted) // 3)
        return statistics.median(self.noted[:third]), statistics.median(self.noted[-third:])

    def problems(self) -> list[str]:
        """Say whether it grows."""
        if not self.noted:
            return ["the memory was not measured"]
        first, last = self.thirds()
        grown = f"memory grew from {first / 2**20:.0f} to {last / 2**20:.0f} MiB"
        return [grown] if last > first * GROWTH else []


def report(
    seen: Sequence[Seen],
    known: Mapping[Case, Mapping[str, str]],
    memory: Memory,
    visitors: int,
) -> None:
    """Print what was measured, as a table."""
    waits = sorted(one.seconds for one in seen) or [0.0]
    waited = [one for one in seen if one.queued]
    first, last = memory.thirds()
    distinct = len({texts["sft"] for texts in known.values() if "sft" in texts})
    apart = [texts for texts in known.values() if "base" in texts]
    told = sum(texts["base"] != texts["sft"] for texts in apart)
    rows = {
        "visitors, questions asked": f"{visitors}, {len(seen)}",
        "different questions, different SFT answers": f"{len(known)}, {distinct}",
        "of them by all arms, SFT unlike Base": f"{len(apart)}, {told}",
        "answers that were not the question's own": str(
            sum(one.texts != known[one.case] for one in seen if not one.failure)
        ),
        "failed or hung": str(sum(bool(one.failure) for one in seen)),
        "seconds to the answer, p50 / p95 / longest": (
            f"{statistics.median(waits):.1f} / {waits[int(0.95 * (len(waits) - 1))]:.1f}"
            f" / {waits[-1]:.1f}"
        ),
        "waited in the queue, told how long": f"{len(waited)}, {sum(one.told for one in waited)}",
        "memory, first and last third": f"{first / 2**30:.2f}, {last / 2**30:.2f} GiB",
    }
    print("| measured | value |\n|---|---|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
