"""A visitor who leaves in mid-answer keeps nothing: the next one's answer comes."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from browsing import Visit, browser
from served import CHROMIUM

import ui.asking
from app import _warm
from core.records import AnswerDelta
from core.settings import Settings
from ui.page import STYLE, build_page
from workbench import Workbench

#: Seconds that the next visitor may have to wait for an answer of a second.
PATIENCE = 60


class _Slow:
    """Arms whose streams take their time until they are told to hurry, and tell how they end."""

    def __init__(self) -> None:
        self.hurry, self.closed = threading.Event(), threading.Event()
        self.begun = 0

    def unavailable(self) -> dict[str, str]:
        return {}

    def provenance(self, _: str) -> SimpleNamespace:
        return SimpleNamespace(adapter=None)

    def stream(self, question: str, names: Any) -> Iterator[AnswerDelta]:
        self.begun += 1
        try:
            for number in range(3 if self.hurry.is_set() else 10_000):
                time.sleep(0.1)
                yield AnswerDelta(names[0], f"{question} {number}")
        except GeneratorExit:
            self.closed.set()
            raise


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> _Slow:
    made = _Slow()
    monkeypatch.setattr(Workbench, "arms", lambda self, reference: made)
    monkeypatch.setattr(ui.asking, "_REPAINT", 0.0)
    return made


@pytest.fixture
def address(settings: Settings) -> Iterator[tuple[str, dict[str, int]]]:
    page = build_page(Workbench(settings))
    _, address, _ = page.launch(
        prevent_thread_lock=True, quiet=True, ssr_mode=False, server_name="127.0.0.1", css=STYLE
    )
    numbers = {fn.name: number for number, fn in page.fns.items()}
    yield address, numbers
    page.close()


@contextmanager
def _asking(address: str, numbers: dict[str, int], session: str) -> Iterator[Iterator[Any]]:
    """A visitor's messages from the server after asking, as a browser gets them."""
    with httpx.Client(base_url=address, timeout=PATIENCE) as client:
        typed = ["halden", "Why?", "SFT against RAG", None]
        with _event(client, session, numbers["_ask"], typed) as messages:
            put = next(one for one in messages if one["msg"] == "process_completed")
        assert put["output"]["changed_state_ids"], "what is wanted has changed"
        with _event(client, session, numbers["_answer"], [None, None]) as messages:
            yield messages


@contextmanager
def _event(
    client: httpx.Client, session: str, number: int, data: list[Any]
) -> Iterator[Iterator[Any]]:
    event = {"fn_index": number, "session_hash": session, "trigger_id": None, "data": data}
    client.post("/gradio_api/queue/join", json=event).raise_for_status()
    where = {"session_hash": session}
    with client.stream("GET", "/gradio_api/queue/data", params=where) as stream:
        yield (json.loads(line[6:]) for line in stream.iter_lines() if line[:6] == "data: ")


def test_the_next_visitor_is_answered(slow: _Slow, address: tuple[str, dict[str, int]]) -> None:
    with _asking(*address, "first") as messages, closing(messages):
        generating = (one for one in messages if one["msg"] == "process_generating")
        for _ in range(4):
            next(generating)
    # The first visitor's page is closed now, in mid-answer.
    slow.hurry.set()
    began = time.monotonic()
    with _asking(*address, "second") as messages:
        for message in messages:
            if message["msg"] == "process_completed":
                assert message["success"]
                break
    assert time.monotonic() - began < PATIENCE
    assert slow.closed.is_set(), "the first visitor's answer goes on for nobody"
    assert slow.begun == 2


def test_who_waits_is_told_how_many_are_before(
    slow: _Slow, address: tuple[str, dict[str, int]]
) -> None:
    with _asking(*address, "first") as messages:
        next(one for one in messages if one["msg"] == "process_generating")
        with _asking(*address, "second") as others:
            told = next(one for one in others if one["msg"] == "estimation")
            assert (told["rank"], told["queue_size"]) == (0, 1)
        slow.hurry.set()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in")
def test_who_waits_reads_the_place_in_the_queue(
    slow: _Slow, address: tuple[str, dict[str, int]]
) -> None:
    from playwright.sync_api import expect

    with browser() as chromium, closing(Visit(chromium, address[0])) as visit:
        page = visit.page
        visit.tab("Ask")
        with _asking(*address, "first") as messages, closing(messages):
            next(one for one in messages if one["msg"] == "process_generating")
            page.locator("#question textarea").fill("How heavy is it?")
            page.locator("#question textarea").press("Enter")
            place = page.locator("#panes .progress-text")
            expect(place).to_contain_text("queue: 1/1")
            expect(page.locator(".pane.sft")).to_contain_text("Waiting for its turn")
            # Neither clipped by what it stands in nor beside a dimmed text, as Gradio has it.
            expect(page.locator("#panes .wrap.minimal")).to_have_css("overflow", "visible")
            expect(page.locator("#panes .html-container").first).to_have_css("opacity", "1")
            visit.picture("ask-waiting")
            slow.hurry.set()
        expect(page.locator(".pane.sft")).to_contain_text("How heavy is it?")
        expect(place).to_be_hidden()


def test_the_warm_up_leaves_the_model_to_the_first_visitor() -> None:
    slow = _Slow()

    class Bench:
        def arms(self, reference: str) -> _Slow:
            return slow

    began = time.monotonic()
    _warm(Bench())  # type: ignore[arg-type]
    assert time.monotonic() - began < 10
    assert slow.closed.is_set()
