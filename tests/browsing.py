"""The page served as users run it, and a browser to look at it with."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, Page, expect
from served import opened, serving

from core.model_files import find_language_model
from core.settings import Settings
from workbench import Workbench

ROOT = Path(__file__).resolve().parent.parent
#: Milliseconds that anything on the page may take: a machine with two cores may be busy.
PATIENCE = 240_000
#: Where pictures of what a test saw are kept; ignored by git.
ARTEFACTS = ROOT / ".artefacts"


@contextmanager
def served(state: Path, *arguments: str, fresh: bool = False, **settings: str) -> Iterator[str]:
    """Serve the page by the command that users run, and give its address.

    :param state: its state folder; in it the first domain is indexed already, for that takes a
        minute of each test, and the model is unpacked.
    :param arguments: further ones of `serve`, such as "--public-demo".
    :param fresh: leaves the folder empty, as a new user's is.
    :param settings: by their names in `core.settings`, for example `base_model="…"`.
    """
    state.mkdir(parents=True, exist_ok=True)
    if not fresh:
        for folder in ("embeddings", "indexes"):
            shutil.copytree(_indexed() / folder, state / folder)
        if "base_model" not in settings:
            # Half a gigabyte that nobody writes to: linked, not copied.
            shutil.copytree(_unpacked(), state / "models", copy_function=os.link)
    with serving(*arguments, log=state / "log.txt", state=str(state), **settings) as server:
        yield server.address


@cache
def _kept() -> TemporaryDirectory[str]:
    """Where this run of the tests keeps what takes long to make; deleted when it ends."""
    return TemporaryDirectory()


@cache
def _indexed() -> Path:
    """A state folder in which Halden is indexed."""
    state = Path(_kept().name)
    Workbench(Settings(state=state)).index("halden")
    return state


@cache
def _unpacked() -> Path:
    """A folder with the embedded model unpacked."""
    models = Path(_kept().name) / "models"
    find_language_model(Settings().base_model, models)
    return models


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    expect.set_options(timeout=PATIENCE)
    with opened() as chromium:
        yield chromium


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
