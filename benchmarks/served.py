"""The page as users get it: cold start, memory at rest, first word, four arms against the slowest.

Run it alone on the machine: `python benchmarks/served.py`. It starts the page by the command that
users run and looks at it with Debian's Chromium.
"""

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from core.corpus.read import read_corpus
from core.records import ARM_NAMES, Question
from core.settings import PROJECT_ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_PATIENCE = 300.0
#: Seconds that the page may take until it listens.
_STARTING = 120.0
#: Bytes that the models take at least: with less more they are not loaded yet.
_MODELS = 400 * 2**20
#: JavaScript that says whether each pane of the page has its answer.
ALL_DONE = (
    "() => { const panes = [...document.querySelectorAll('.pane')]; return panes.length > 0"
    " && panes.every(pane => ['done', 'unavailable'].includes(pane.dataset.state)); }"
)


@dataclass(frozen=True)
class Server:
    """A page that is served, and when its process was started."""

    address: str
    process: psutil.Process
    began: float

    def memory(self) -> int:
        """Resident bytes of the process and its children."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(one.memory_info().rss for one in family)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--questions", type=int, default=8)
    parser.add_argument("--domain", default="halden")
    given = parser.parse_args()
    questions = spread(read_corpus(given.domain).of_split("test"), given.questions)
    starts = []
    for _ in range(given.starts):
        with serving() as server, opened() as browser:
            starts.append(until_first_tab(browser, server))
    # As after a Space was rebuilt, and as after it was restarted with its state kept.
    with tempfile.TemporaryDirectory() as state:
        answered = []
        for _ in range(2):
            with serving(state=state) as server, opened() as browser:
                answered.append(until_first_answer(browser, server, questions[0]))
    with serving() as server, opened() as browser:
        memory_opened = warmed_memory(browser, server)
        first, *rest = first_words(browser, server.address, questions)
        memory_asked = settled_memory(server)
        ratio, slowest = four_against_slowest(server.address, given.domain, questions)
    print(f"{os.cpu_count()} processors, {len(questions)} test questions of {given.domain}\n")
    print("| measured | value | goal |")
    print("|---|---|---|")
    spreading = f"{min(starts):.1f}–{max(starts):.1f}"
    row("cold start to the first tab", f"{statistics.median(starts):.1f} s ({spreading})", "≤ 8 s")
    row("cold start to the first answer of SFT and RAG, nothing kept", f"{answered[0]:.1f} s", "")
    row("the same, started again", f"{answered[1]:.1f} s", "")
    row("memory at rest, warmed", f"{memory_opened / 2**30:.2f} GiB", "≤ 1.5 GB")
    row("memory at rest, after the questions", f"{memory_asked / 2**30:.2f} GiB", "≤ 1.5 GB")
    row("first word in Ask, the first question", f"{first:.2f} s", "")
    row("first word in Ask, median of the others", f"{statistics.median(rest):.2f} s", "≤ 2 s")
    row("four arms / the slowest alone", f"{ratio:.2f}× of {slowest:.2f} s", "≤ 1.4×")


def row(name: str, value: str, goal: str) -> None:
    print(f"| {name} | {value} | {goal} |")


def spread(questions: Sequence[Question], count: int) -> list[str]:
    """Take so many questions, evenly over the split."""
    step = max(1, len(questions) // count)
    return [question.question for question in list(questions)[::step][:count]]


@contextlib.contextmanager
def serving(*arguments: str, log: Path | None = None, **settings: str) -> Iterator[Server]:
    """Serve the page by the command that users run, until the block ends.

    :param arguments: further ones of `serve`, such as "--public-demo".
    :param log: where the server's own words go; nowhere that lasts unless given.
    :param settings: by their names in `core.settings`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {f"SFT_VS_RAG_{name.upper()}": value for name, value in settings.items()}
    with log.open("w+") if log else tempfile.TemporaryFile("w+") as words:
        began = time.monotonic()
        run = subprocess.Popen(
            [sys.executable, "-m", "cli", "serve", "--port", str(port), *arguments],
            cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, stderr=words,
            env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "HF_HUB_OFFLINE": "1", **given},
        )  # fmt: skip
        try:
            while not _listens(port):
                if run.poll() is not None or time.monotonic() - began > _STARTING:
                    words.seek(0)
                    raise SystemExit(f"The page did not start:\n{words.read()}")
                time.sleep(0.02)
            yield Server(f"http://127.0.0.1:{port}/", psutil.Process(run.pid), began)
        finally:
            run.terminate()
            try:
                run.wait(20)
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def opened() -> Iterator[Any]:
    """Open Debian's Chromium without a window."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (not needed by all)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync", "--no-first-run"],
        )  # fmt: skip
        yield browser
        browser.close()


def until_first_tab(browser: Any, server: Server) -> float:
    """Seconds from the start of the process until the first tab's text can be read."""
    page = browser.new_page()
    page.goto(server.address)
    page.get_by_role("tab").first.wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('[role=tabpanel]')]"
        ".some(panel => panel.offsetParent && panel.innerText.trim().length > 40)"
    )
    seconds = time.monotonic() - server.began
    page.close()
    return seconds


def until_first_answer(browser: Any, server: Server, question: str) -> float:
    """Seconds from the start of the process until who asks at once has both answers whole."""
    page, box = typed(browser, server.address, question)
    box.press("Enter")
    page.wait_for_function(ALL_DONE)
    seconds = time.monotonic() - server.began
    page.close()
    return seconds


def typed(browser: Any, address: str, question: str) -> tuple[Any, Any]:
    """Open the page and type a question under Ask, as a person does; give the page and the box."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(_PATIENCE * 1000)
    page.goto(address)
    page.get_by_role("tab", name="Ask", exact=True).click()
    box = page.locator("#question textarea")
    box.fill(question)
    return page, box


def warmed_memory(browser: Any, server: Server) -> int:
    """Look at the page, after which the models are loaded; return what the process then holds."""
    before = server.memory()
    until_first_tab(browser, server)
    while server.memory() < before + _MODELS:
        time.sleep(0.2)
    return settled_memory(server)


def settled_memory(server: Server) -> int:
    """Wait until the process has computed next to nothing for three seconds; return its memory.

    A page at rest looks for events: up to a tenth of a slow processor.
    """
    quiet, before = 0, -1.0
    while quiet < 3:
        time.sleep(1)
        used = server.process.cpu_times()
        quiet = quiet + 1 if used.user - before < 0.25 else 0
        before = used.user
    return server.memory()


def first_words(browser: Any, address: str, questions: Sequence[str]) -> list[float]:
    """Ask each question on a page just opened; the seconds until any pane shows a word."""
    found = []
    for question in questions:
        page, box = typed(browser, address, question)
        began = time.monotonic()
        box.press("Enter")
        page.wait_for_function(
            "() => [...document.querySelectorAll('.pane .answer')]"
            ".some(answer => answer.innerText.trim())"
        )
        found.append(time.monotonic() - began)
        page.wait_for_function(ALL_DONE)
        page.close()
    return found


def four_against_slowest(
    address: str, domain: str, questions: Sequence[str]
) -> tuple[float, float]:
    """Time all four arms at once and each alone, in turns, through the page's `ask`."""
    from gradio_client import Client  # noqa: PLC0415  (slow to import)

    client = Client(address, verbose=False)
    ratios, slowest = [], []
    for question in questions:
        alone = [_seconds(client, domain, question, [arm]) for arm in ARM_NAMES]
        together = _seconds(client, domain, question, list(ARM_NAMES))
        slowest.append(max(alone))
        ratios.append(together / max(alone))
    return statistics.median(ratios), statistics.median(slowest)


def _seconds(client: Any, domain: str, question: str, arms: list[str]) -> float:
    began = time.monotonic()
    client.predict(domain, question, arms, api_name="/ask")
    return time.monotonic() - began


if __name__ == "__main__":
    main()
