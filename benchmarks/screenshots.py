"""Makes the README's pictures of the page: each tab, one in the dark, one on a phone.

`make screenshots`, or `python benchmarks/screenshots.py --tabs Ask`. Pictures go to docs/.
"""

import argparse
import re
from pathlib import Path
from typing import Any

from served import ALL_DONE, opened, serving

from core.settings import PROJECT_ROOT

#: Milliseconds: everything may take this long, and what moves has come to rest after that.
_PATIENCE = 300_000
_REST = 1500
_DESK = {"width": 1280, "height": 900}
_PHONE = {"width": 390, "height": 844}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tabs", nargs="+", default=[], help="by name; all when left out")
    parser.add_argument("--out", type=Path, default=PROJECT_ROOT / "docs")
    given = parser.parse_args()
    with serving() as server, opened() as browser:
        page = _page(browser, server.address)
        names = [name.strip() for name in page.get_by_role("tab").all_inner_texts()]
        page.context.close()
        for name in given.tabs or names:
            _picture(browser, server.address, name, given.out / f"page-{_file(name)}.png")
        _picture(browser, server.address, "Ask", given.out / "page-dark.png", scheme="dark")
        _picture(browser, server.address, "Ask", given.out / "page-phone.png", size=_PHONE)


def _file(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _page(
    browser: Any, address: str, *, size: dict[str, int] = _DESK, scheme: str = "light"
) -> Any:
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(_PATIENCE)
    page.goto(address)
    page.get_by_role("tab").first.wait_for()
    return page


def _picture(
    browser: Any, address: str, name: str, path: Path, *, size: dict[str, int] = _DESK,
    scheme: str = "light",
) -> None:  # fmt: skip
    page = _page(browser, address, size=size, scheme=scheme)
    tab = page.get_by_role("tab", name=name, exact=True)
    if not tab.is_visible():
        # On a phone Gradio puts the tabs that find no room behind a menu.
        page.locator(".overflow-menu button").first.click()
        tab = page.locator(".overflow-dropdown button", has_text=name)
    tab.click()
    if name == "Ask":
        # An answered question says more than an empty page.
        page.locator("#examples button.gallery-item").first.click()
        page.wait_for_function(ALL_DONE)
    page.wait_for_timeout(_REST)
    page.screenshot(path=path, full_page=True)
    print(path)
    page.context.close()


if __name__ == "__main__":
    main()
