"""The Benchmark tab as a person uses it: shipped answers at once, and a run of their own."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Visit, browser, served
from served import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in"),
]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with served(tmp_path / "state") as address:
        yield address


def _choose(visit: Visit, label: str, option: str) -> None:
    visit.page.get_by_label(label, exact=True).click()
    visit.page.get_by_role("option", name=option, exact=True).click()


def test_a_person_reads_the_shipped_run(tmp_path: Path, tiny_model_folder: Path) -> None:
    from playwright.sync_api import expect

    with (
        served(tmp_path / "state", base_model=str(tiny_model_folder)) as address,
        browser() as chromium,
    ):
        visit = Visit(chromium, address)
        page = visit.page
        visit.tab("Benchmark")
        rows, count = page.locator(".duels tbody tr"), page.locator("#bench-count")
        expect(rows).to_have_count(20)
        expect(count).to_contain_text("509 questions, page 1 of 26")
        expect(page.locator(".slices tbody tr").first).to_contain_text("All questions")
        expect(page.locator(".slices tbody tr").first).to_contain_text("better")

        # Filters and search narrow the list; pages turn.
        first = rows.first.inner_text()
        page.get_by_role("button", name="Next page").click()
        expect(count).to_contain_text("page 2 of 26")
        expect(rows.first).not_to_have_text(first)
        _choose(visit, "Who was right", "RAG won")
        expect(count).to_contain_text("page 1")
        expect(count).not_to_contain_text("509")
        expect(rows.first.locator(".pill")).to_have_text("RAG won")
        page.get_by_label("Search").fill("nowhere at all")
        expect(page.locator("#bench-table")).to_contain_text("No question is like that")
        page.get_by_label("Search").fill("warranty")
        expect(rows.first).to_contain_text(re.compile("warranty", re.IGNORECASE))

        # A question opens whole, by the keyboard, and its neighbours after it.
        button = rows.first.get_by_role("button")
        asked = button.inner_text()
        button.press("Enter")
        whole = page.locator(".bench.whole")
        expect(whole.locator("h3")).to_have_text(asked)
        expect(whole).to_be_focused()
        expect(whole.locator(".said")).to_have_count(2)
        expect(whole.locator(".passages li")).to_have_count(5)
        page.get_by_role("button", name="Next question").click()
        expect(whole.locator("h3")).not_to_have_text(asked)
        page.get_by_role("button", name="Previous question").click()
        expect(whole.locator("h3")).to_have_text(asked)
        page.get_by_role("button", name="Back to the questions").click()
        expect(rows.first.get_by_role("button")).to_be_focused()

        # And it opens in Ask.
        rows.first.get_by_role("button").click()
        page.get_by_role("button", name="Open in Ask").click()
        expect(page.get_by_role("tab", name="Ask")).to_have_attribute("aria-selected", "true")
        expect(page.get_by_label("Question", exact=True)).to_have_value(asked)

        # Another domain has its own run, and what is searched for stays; a phone scrolls nothing sideways.
        visit.tab("Benchmark")
        _choose(visit, "Domain", "Solar System exploration")
        page.get_by_label("Search").fill("")
        expect(count).to_contain_text("432 questions")
        _choose(visit, "First arm", "Base")
        expect(page.locator(".duels thead")).to_contain_text("Base")
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        visit.picture("benchmark-phone")
        visit.close()


@pytest.mark.model
def test_two_people_watch_a_run_of_their_own(address: str) -> None:
    from playwright.sync_api import expect

    with browser() as chromium:
        visit, other = Visit(chromium, address), Visit(chromium, address)
        for one in (visit, other):
            one.tab("Benchmark")
        page = visit.page
        page.get_by_role("button", name="Start a new run").click()
        page.get_by_label("RAG", exact=True).uncheck()
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("at least two arms")
        page.get_by_label("RAG", exact=True).check()
        page.get_by_role("spinbutton", name=re.compile("Questions")).fill("20")
        page.get_by_role("spinbutton", name=re.compile("Questions")).press("Tab")
        page.get_by_role("button", name="Start", exact=True).click()

        # Both see it, and a reload shows it again; either may stop it.
        for one in (visit, other):
            expect(one.page.locator("#bench-run")).to_contain_text(
                "SFT against RAG on Halden home networks"
            )
        page.reload()
        visit.tab("Benchmark")
        expect(page.get_by_role("progressbar", name="Answers")).to_be_visible()
        expect(page.locator("#bench-run")).to_contain_text(re.compile("of 40 answers"))
        other.page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.locator("#bench-run")).to_contain_text("They are kept")

        # Going on asks the rest, and the finished run is shown.
        page.get_by_role("button", name="Go on with it").click()
        expect(page.locator("#bench-run")).to_contain_text("Done: 40 answers")
        page.get_by_role("button", name="Show this run").click()
        expect(page.locator("#bench-count")).to_contain_text("20 questions, page 1 of 1")
        expect(page.locator(".duels tbody tr")).to_have_count(20)
        visit.close()
        other.close()


def test_strangers_start_no_run(tmp_path: Path, tiny_model_folder: Path) -> None:
    from playwright.sync_api import expect

    with (
        served(tmp_path / "s", "--public-demo", base_model=str(tiny_model_folder)) as address,
        browser() as chromium,
    ):
        visit = Visit(chromium, address)
        visit.tab("Benchmark")
        expect(visit.page.get_by_text("This is a public demo")).to_be_visible()
        expect(visit.page.locator(".duels tbody tr")).to_have_count(20)
        expect(visit.page.get_by_role("button", name="Start a new run")).to_have_count(0)
        visit.close()
