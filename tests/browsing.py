"""The page served as users run it, and a browser to look at it with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect
from served import opened, serving

ROOT = Path(__file__).resolve().parent.parent
#: Milliseconds that anything on the page may take: a machine with two cores may be busy.
PATIENCE = 240_000
#: Where pictures of what a test saw are kept; ignored by git.
ARTEFACTS = ROOT / ".artefacts"


@contextmanager
def served(state: Path, *arguments: str, **settings: str) -> Iterator[str]:
    """Serve the page by the command that users run, and give its address.

    :param arguments: further ones of `serve`, such as "--public-demo".
    :param settings: by their names in `core.settings`, for example `base_model="…"`.
    """
    state.mkdir(parents=True, exist_ok=True)
    with serving(*arguments, log=state / "log.txt", state=str(state), **settings) as server:
        yield server.address


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
