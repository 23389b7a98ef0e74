"""Evaluates 40 made-up questions in a process of its own, which kills itself where it is told to.

    python tests/evaluate_a_process.py FOLDER [asking N | writing N]

`asking N` kills it while batch N is asked; `writing N` while the lines of batch N are written: half
of them are in the log, the last one cut.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from core.records import Answer, AskedName, Evidence, NoAnswer, Passage, Provenance, Question
from core.storage import fingerprint_text
from eval import runner
from eval.rebuild import rebuild
from eval.run_files import AskedQuestion, RunInfo, asked_question, questions_fingerprint

MADE = Provenance(
    base_model="m", base_fingerprint="f", prompt_version="1", decoding="greedy", seed=0
)


class Neighbourly:
    """Answers by everything that is in the batch, as a model in bfloat16 may."""

    def __init__(self, kill_at: int = 0) -> None:
        self.asked = 0
        self.kill_at = kill_at

    def answer_batch(
        self, questions: Sequence[str], arm: AskedName, *, given: Sequence[Sequence[Passage]] = ()
    ) -> list[Answer | NoAnswer]:
        self.asked += 1
        if self.asked == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return [
            NoAnswer("The store was away.")
            if arm == "rag" and "number 7 " in text
            else Answer(
                arm=arm,
                text=fingerprint_text(
                    text, arm, *questions, *(p.text for one in given for p in one)
                ),
                prompt_tokens=1,
                completion_tokens=1,
                seconds=0.5,
                first_token_seconds=0.1,
                provenance=MADE,
            )
            for text in questions
        ]

    def provenance(self, arm: AskedName) -> Provenance:
        return MADE


def forty(count: int = 40) -> tuple[RunInfo, list[AskedQuestion], dict[str, list[Passage]]]:
    """What is asked: questions of several lengths, every second with its evidence."""
    questions = [
        Question(
            id=f"q{number}",
            question=f"What is number {number} {'and ' * (number * 7 % 11)}?",
            answers=(f"It is {number}.",),
            evidence=(Evidence(document=f"d{number % 6}", quote="q"),) if number % 2 else (),
            fact=f"f{number}",
        )
        for number in range(count)
    ]
    gold = {
        one.id: [Passage(id=one.id, document_id="d", start=0, end=1, text=one.id)]
        for one in questions
        if one.evidence
    }
    asked = [
        asked_question(one, exposure="untrained", known=None, gold=one.id in gold)
        for one in questions
    ]
    info = RunInfo(
        corpus="made-up",
        corpus_title="Made up",
        corpus_fingerprint="c",
        split="test",
        seed=0,
        limit=None,
        n=len(asked),
        arms=("base", "rag"),
        oracles=("oracle",),
        provenance={arm: MADE.model_dump() for arm in ("base", "rag", "oracle")},
        abstain_text="I do not know.",
        questions_fingerprint=questions_fingerprint(asked),
        machine={},
        started="2026-11-26T00:00:00+00:00",
    )
    return info, asked, gold


def main(folder: Path, where: str = "", number: int = 0) -> None:
    if where == "writing":
        whole, written = runner.append_lines, [0]

        def cut(path: Path, rows: object) -> None:
            written[0] += 1
            if written[0] == number:
                aside = path.with_name("aside.jsonl")
                whole(aside, rows)
                content = aside.read_bytes()
                aside.unlink()
                with open(path, "ab") as log:
                    log.write(content[: len(content) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            whole(path, rows)

        runner.append_lines = cut
    info, asked, gold = forty()
    answerer = Neighbourly(number if where == "asking" else 0)
    runner.run_evaluation(folder, info, asked, answerer, gold=gold)
    rebuild(folder)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(Path(given[0]), *given[1:2], *map(int, given[2:3]))
