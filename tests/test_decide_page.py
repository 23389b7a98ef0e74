"""The Decide tab as a person uses it: read, move a slider, take the files, choose another run."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Visit, browser, served
from run_folders import EVERYTHING, make_run
from served import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in"),
]


def _own_run(state: Path, name: str, started: str) -> None:
    folder = make_run(state / "runs" / name, parts=EVERYTHING)
    for file in ("run", "summary"):
        path = folder / f"{file}.json"
        found = {**json.loads(path.read_text()), "corpus": "halden"}
        path.write_text(json.dumps({**found, "started": started} if file == "run" else found))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("state")
    _own_run(state, "mine", "2026-11-02T10:00:00")
    return state


@pytest.fixture(scope="module")
def address(state: Path, tiny_model_folder: Path) -> Iterator[str]:
    with served(state, base_model=str(tiny_model_folder), max_new_tokens="8") as address:
        yield address


def test_a_person_reads_the_verdict_and_works_out_a_month(address: str) -> None:
    from playwright.sync_api import expect

    with browser() as chromium:
        visit = Visit(chromium, address)
        page = visit.page
        # It opens first, on the shipped results, with the answer before everything else.
        expect(page.get_by_role("tab").first).to_have_text("Decide")
        expect(page.get_by_role("tab", name="Decide")).to_have_attribute("aria-selected", "true")
        expect(page.locator(".verdict .answer")).to_contain_text("Retrieval answers better")
        expect(page.locator(".cards > li")).to_have_count(4)
        assert page.locator(".verdict").bounding_box()["y"] < 330, "nothing blank stands above it"
        expect(page.get_by_role("img", name="Quality against time")).to_be_visible()
        visit.picture("decide-light")

        # The month follows questions, revisions and prices.
        month = page.locator("#decide-month")
        expect(month).to_contain_text("10,000 questions and 1 revision a month")
        page.get_by_label("number input for Questions a month").fill("50000")
        expect(month).to_contain_text("50,000 questions")
        before = month.locator("tbody").last.inner_text()
        page.get_by_label("Price of an hour of the machine").fill("7")
        expect(month.locator("tbody").last).not_to_have_text(before)
        page.get_by_label("Price of an hour of the machine").fill("-1")
        expect(page.get_by_role("alert")).to_contain_text("must be a number from 0 on")
        page.get_by_label("Price of an hour of the machine").fill("1")
        expect(page.get_by_role("alert")).to_have_count(0)
        # Costs were measured, and so was what each arm answers when the world changes.
        expect(month).not_to_contain_text("Not yet a measurement")
        expect(page.locator("#decide-figures")).to_contain_text("after training again")
        visit.close()


def test_a_person_takes_the_files_away(address: str) -> None:
    with browser() as chromium:
        visit = Visit(chromium, address)
        page = visit.page
        found = {}
        for name in ("Download the report", "All answers (CSV)", "All figures (JSON)"):
            with page.expect_download() as waiting:
                page.get_by_role("button", name=name).click()
            found[waiting.value.suggested_filename] = waiting.value.path().read_text("utf-8-sig")
        report = found["halden-report.html"]
        assert report.startswith("<!DOCTYPE html>") and "<script" not in report
        rows = list(csv.DictReader(found["halden-results.csv"].splitlines(keepends=True)))
        assert len(rows) == 4 * 509
        assert json.loads(found["halden-summary.json"])["n"] == 509
        visit.close()


def test_a_person_chooses_another_run_and_another_domain(address: str, state: Path) -> None:
    from playwright.sync_api import expect

    with browser() as chromium:
        visit = Visit(chromium, address)
        page = visit.page
        answer = page.locator(".verdict .answer")
        page.get_by_label("Results of").click()
        page.get_by_role("option", name=re.compile("Your run of 2026-11-02 10:00")).click()
        expect(answer).to_contain_text("Do both: SFT + RAG answers best.")
        expect(page.locator("#decide-figures")).to_contain_text("The spring models")
        expect(page.locator("#decide-month")).to_contain_text("runs/mine --measure halden")

        # A run that ends meanwhile is there for whoever comes back to the tab.
        _own_run(state, "later", "2026-11-03T10:00:00")
        visit.tab("Ask")
        visit.tab("Decide")
        expect(answer).to_contain_text("Do both")
        page.get_by_label("Results of").click()
        expect(page.get_by_role("option", name=re.compile("2026-11-03"))).to_be_visible()
        page.keyboard.press("Escape")

        # Another domain has its own results.
        page.get_by_label("Domain").click()
        page.get_by_role("option", name="Solar System").click()
        expect(answer).to_contain_text("by 11 points")
        expect(page.locator("#decide-month")).to_contain_text(
            "sft-vs-rag cost eval/shipped/solar-system --measure solar-system"
        )
        expect(page.get_by_label("Results of")).to_be_hidden()
        with page.expect_download() as waiting:
            page.get_by_role("button", name="All figures (JSON)").click()
        assert waiting.value.suggested_filename == "solar-system-summary.json"
        visit.close()


def test_a_phone_and_the_dark(address: str) -> None:
    from playwright.sync_api import expect

    with browser() as chromium:
        visit = Visit(
            chromium, address, viewport={"width": 390, "height": 800}, color_scheme="dark"
        )
        expect(visit.page.locator(".verdict .answer")).to_be_visible()
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
        visit.picture("decide-phone-dark")
        visit.close()
