"""The load test sees what it is there to see: an honest page passes, and every kind of bad one not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import gradio as gr
import load
import pytest
from load import Case, Memory, Seen, alone, crowd, problems_of

CASES = [
    Case("halden", f"Question {number}?", ("base", "sft") if number % 2 else ("base",))
    for number in range(6)
]


def _right(question: str, arm: str) -> str:
    return f"{arm} says of {question}"


@contextmanager
def _page(seconds: float, answer: Any = _right) -> Iterator[str]:
    """A page with the verb `ask`, one at a time, as the real one has it."""

    def ask(domain: str, question: str, arms: list[str]) -> dict[str, Any]:
        """Answer."""
        time.sleep(seconds)
        return {"answers": [{"arm": arm, "text": answer(question, arm)} for arm in arms]}

    with gr.Blocks(analytics_enabled=False) as page:
        gr.api(ask, concurrency_id="model", concurrency_limit=1)
    _, address, _ = page.queue().launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
    try:
        yield address
    finally:
        page.close()


def test_a_crowd_on_an_honest_page_gets_its_own_answers_and_is_told_how_long() -> None:
    with _page(0.15) as address:
        known = alone(address, CASES)
        seen = crowd(address, CASES, visitors=6, seconds=3)
    assert problems_of(seen, known) == []
    assert len(seen) >= 6
    assert any(one.queued for one in seen)
    assert any(one.told for one in seen)
    assert {one.case for one in seen} == set(CASES)


def test_an_answer_to_somebody_else_s_question_is_seen() -> None:
    last = ["Question 0?"]

    def mixed(question: str, arm: str) -> str:
        before, last[0] = last[0], question
        return _right(before, arm)

    known = {case: {arm: _right(case.question, arm) for arm in case.arms} for case in CASES}
    with _page(0.05, mixed) as address:
        seen = crowd(address, CASES, visitors=3, seconds=1)
    assert any("the answer to 'Question" in problem for problem in problems_of(seen, known))


def test_a_page_that_hangs_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "PATIENCE", 1.0)
    with _page(3) as address:
        client = load.Client(address, verbose=False)
        seen = load.ask(client, CASES[0], patience=1.0)
    assert seen.failure == "no answer in 1 s"
    assert problems_of([seen], {CASES[0]: {}}) == ["'Question 0?': no answer in 1 s"]


def test_each_kind_of_problem_has_its_words() -> None:
    known = {case: {arm: _right(case.question, arm) for arm in case.arms} for case in CASES}
    case = CASES[1]
    right = dict(known[case])

    def told(**texts: str) -> list[str]:
        return problems_of([Seen(case, texts, 1.0)], known)

    assert told(**right) == []
    [problem] = told(base=right["base"], sft=right["base"])
    assert problem.endswith("sft: the answer of the weights without the adapter")
    [problem] = told(base=right["base"], sft="nonsense")
    assert problem.endswith("another text than alone: 'nonsense'")
    [problem] = told(base=right["base"])
    assert problem.endswith("the arms ['base'] answered")
    assert problems_of([], known) == ["nobody asked anything"]
    waited = Seen(case, right, 9.0, queued=True)
    assert problems_of([waited], known) == ["nobody in the queue was told how long it takes"]


def test_memory_that_grows_is_seen() -> None:
    memory = Memory(SimpleNamespace(memory=lambda: 0))  # type: ignore[arg-type]
    assert memory.problems() == ["the memory was not measured"]
    memory.noted = [1000 << 20] * 30
    assert memory.problems() == []
    memory.noted = [(1000 + 5 * second) << 20 for second in range(30)]
    assert memory.problems() == ["memory grew from 1022 to 1122 MiB"]
