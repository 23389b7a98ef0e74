"""What holds for the whole page, whatever tabs it has: contrast, keyboard, telephones."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import Visit, browser, served
from playwright.sync_api import expect
from served import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, tiny_model_folder: object) -> Iterator[str]:
    state = tmp_path_factory.mktemp("state")
    with served(state, base_model=str(tiny_model_folder), max_new_tokens="8") as address:
        yield address


def _tabs(visit: Visit) -> list[str]:
    return [name.strip() for name in visit.page.get_by_role("tab").all_inner_texts()]


def _opened(visit: Visit, name: str) -> None:
    """Open a tab and wait until it stands still."""
    visit.tab(name)
    visit.page.get_by_role("tab", name=name, exact=True, selected=True).wait_for()
    visit.page.wait_for_timeout(700)  # transitions of colours end before contrast is looked at


def _grave(visit: Visit, tab: str) -> list[str]:
    """Serious and critical findings, each with the place it is at."""
    found = Axe().run(visit.page).response["violations"]
    return [
        f"{tab}: {one['id']} ({one['impact']}) at {node['target']}: "
        f"{' '.join(node['failureSummary'].split())} in {node['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:4]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_tab_shuts_anybody_out(address: str, scheme: str) -> None:
    with browser() as chromium:
        visit = Visit(chromium, address, color_scheme=scheme)
        wanted = "true" if scheme == "dark" else "false"
        visit.page.wait_for_function(f"document.body.classList.contains('dark') === {wanted}")
        found = []
        for name in _tabs(visit):
            _opened(visit, name)
            # What is folded must be readable, too.
            visit.page.evaluate(
                "document.querySelectorAll('details').forEach(one => one.open = true)"
            )
            found += _grave(visit, name)
            visit.picture(f"{name.lower().replace(' ', '-')}-{scheme}")
        assert not found, "\n".join(found)
        visit.close()


def _unfolded(visit: Visit) -> None:
    """Open everything on the tab that is folded, and wait until it stands still."""
    visit.page.evaluate(
        """() => {
          for (const one of document.querySelectorAll('details')) one.open = true;
          for (const one of document.querySelectorAll('button.label-wrap:not(.open)'))
            if (one.checkVisibility()) one.click();
        }"""
    )
    visit.page.wait_for_timeout(700)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_that_comes_later_shuts_anybody_out(address: str, scheme: str) -> None:
    with browser() as chromium:
        visit = Visit(chromium, address, color_scheme=scheme)
        page, found = visit.page, []

        def looked_at(name: str) -> None:
            _unfolded(visit)
            found.extend(_grave(visit, name))
            visit.picture(f"{name.replace(' ', '-')}-{scheme}")

        _opened(visit, "Ask")
        page.locator("#examples button.gallery-item").first.click()
        expect(page.locator(".pane[data-arm='rag']")).to_have_attribute("data-state", "done")
        # Who has answered is said aloud, once, and who cannot.
        expect(page.get_by_role("status").filter(has_text="RAG has answered.")).to_have_count(1)
        looked_at("ask answered")
        _opened(visit, "Benchmark")
        page.locator(".duels tbody tr").first.get_by_role("button").click()
        expect(page.locator(".bench.whole")).to_be_focused()
        looked_at("benchmark question")
        _opened(visit, "Documents")
        page.locator("#documents-list").get_by_role("button", name="RX200").first.click()
        expect(page.locator("#documents-preview section").first).to_be_visible()
        looked_at("documents preview")
        visit.tab("Search")
        page.get_by_role("textbox", name="Search the documents").fill("How long is the warranty?")
        page.get_by_role("textbox", name="Search the documents").press("Enter")
        expect(page.locator("#documents-hits li").first).to_be_visible()
        looked_at("documents hits")
        visit.tab("Questions")
        expect(page.locator("#questions-list tbody tr").first).to_be_visible()
        looked_at("documents questions")
        _opened(visit, "How it works")
        page.locator("#how-examples button.gallery-item").first.click()
        expect(page.locator(".how .track.rag .gauge")).to_be_visible()
        looked_at("how steps")
        assert not found, "\n".join(found)
        visit.close()


def test_the_keyboard_reaches_every_tab(address: str) -> None:
    with browser() as chromium:
        visit = Visit(chromium, address)
        page = visit.page
        names = _tabs(visit)
        focused = "document.activeElement"
        for name in names:
            for _ in range(60):
                page.keyboard.press("Tab")
                if page.evaluate(
                    f"{focused}.getAttribute('role') === 'tab' && "
                    f"{focused}.innerText.trim() === {name!r}"
                ):
                    break
            else:
                pytest.fail(f"the keyboard does not reach the tab {name}")
            assert page.evaluate(f"getComputedStyle({focused}).outlineStyle") != "none"
            page.keyboard.press("Enter")
            page.get_by_role("tab", name=name, exact=True, selected=True).wait_for()
            page.evaluate(f"{focused}.blur()")
        visit.close()


def test_no_tab_is_wider_than_a_telephone(address: str) -> None:
    with browser() as chromium:
        visit = Visit(chromium, address)
        page, wide = visit.page, {}
        for name in _tabs(visit):
            page.set_viewport_size({"width": 1280, "height": 900})
            _opened(visit, name)
            page.set_viewport_size({"width": 390, "height": 800})
            page.wait_for_timeout(300)
            wide[name] = page.evaluate("document.documentElement.scrollWidth")
            visit.picture(f"{name.lower().replace(' ', '-')}-phone")
        assert {name: one for name, one in wide.items() if one > 390} == {}
        visit.close()
