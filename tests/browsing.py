"""The page served as users run it, and a browser to look at it with."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: Milliseconds that anything on the page may take: a machine with two cores may be busy.
PATIENCE = 120_000
#: Where pictures of what a test saw are kept; ignored by git.
ARTEFACTS = ROOT / ".artefacts"


@contextmanager
def served(state: Path, *arguments: str, **settings: str) -> Iterator[str]:
    """Serve the page by the command that users run, and give its address.

    :param arguments: further ones of `serve`, such as "--public-demo".
    :param settings: by their names in `core.settings`, for example `base_model="…"`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    state.mkdir(parents=True, exist_ok=True)
    log = state / "log.txt"
    given = {f"SFT_VS_RAG_{name.upper()}": value for name, value in settings.items()}
    with log.open("w") as errors:
        server = subprocess.Popen(
            [sys.executable, "-m", "cli", "serve", "--port", str(port), *arguments],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors,
            env={**os.environ, "SFT_VS_RAG_STATE": str(state), "HF_HUB_OFFLINE": "1", **given},
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline and server.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.2)
            assert server.poll() is None, log.read_text()
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync", "--no-first-run"],
        )  # fmt: skip
        yield opened
        opened.close()


class Visit:
    """A visitor's page, with what went wrong on it and whom it called."""

    def __init__(self, chromium: Browser, address: str, **options: Any) -> None:
        """Open the address; `options` are those of Playwright's `new_context`."""
        self.context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, **options}
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self.away: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._noticed(request.url, address))
        self.page.goto(address)
        expect(self.page.get_by_role("tab").first).to_be_visible()

    def _noticed(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.away.append(url)

    def tab(self, name: str) -> None:
        """Go to a tab as a person does."""
        self.page.get_by_role("tab", name=name, exact=True).click()

    def picture(self, name: str) -> None:
        """Keep a picture of the whole page."""
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)

    def close(self) -> None:
        """Close the page; nothing may have gone wrong on it, and nobody else been called."""
        self.context.close()
        assert self.errors == []
        assert self.away == []
