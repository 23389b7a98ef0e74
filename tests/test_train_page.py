"""The Train tab as a person uses it: begun by a click, seen after a reload and by a second visitor."""

import re
from pathlib import Path

import pytest
from browsing import Visit, browser, served
from served import CHROMIUM


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in")
def test_a_person_trains_looks_again_stops_and_activates(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    from playwright.sync_api import expect

    settings = {"base_model": str(tiny_model_folder), "device": "cpu", "dtype": "float32", "max_new_tokens": "8"}  # fmt: skip
    with served(tmp_path / "state", **settings) as address, browser() as chromium:
        visit = Visit(chromium, address)
        page = visit.page
        visit.tab("Train")
        panel = page.get_by_role("tabpanel").filter(has_text="What there is to learn from")
        status = page.locator("#train-status")

        # The data and what its check found; nothing was trained here, so the shipped one is told of.
        expect(panel.get_by_text("What there is to learn from")).to_be_visible()
        expect(panel.locator(".train.data tr.sum")).to_contain_text("all")
        expect(status).to_contain_text("Nothing is going on")
        expect(page.locator("#train-adapters tr[data-adapter='desk']")).to_contain_text("shipped")
        expect(page.get_by_role("button", name="Stop")).to_be_disabled()

        # A value that cannot be used is a sentence, and nothing begins.
        page.get_by_role("button", name="All other choices of the recipe").click()
        further = page.get_by_label("Further choices, KEY=VALUE, one a line")
        further.fill("speed=9")
        page.get_by_role("button", name="Train", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("speed is not usable")

        # A training of many steps, without retrieval, so that it begins soon.
        quick = "open_book_share=0\nreplay_share=0\nrank=2\nbatch_size=8"
        further.fill(f"{quick}\nepochs=40\npatience=0\nvalidations_per_epoch=2")
        page.get_by_label("Adapter's name").fill("first")
        page.get_by_label("Measure what was forgotten afterwards").uncheck()
        page.get_by_role("button", name="Train", exact=True).click()
        expect(page.get_by_text("The training has begun")).to_be_visible()
        expect(status).to_contain_text(re.compile(r"Step \d+ of \d+, about"))
        expect(page.locator("#train-curve figure")).to_have_count(2)
        expect(page.locator("#train-curve polyline").first).to_be_visible()
        expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
        page.get_by_role("button", name=re.compile("^Log")).click()
        expect(page.get_by_label("Log of the last job")).to_have_value(re.compile(r"step \d+/\d+"))
        expect(page.locator("#train-curve text.best").first).to_contain_text("best: step")
        expect(panel.locator(".train.findings")).to_contain_text("What the check found")
        visit.picture("train-going")

        # A reload shows the same run; a second visitor sees it too, and is refused another.
        page.reload()
        visit.tab("Train")
        expect(status).to_contain_text(re.compile(r"Step \d+ of \d+"))
        other = Visit(chromium, address, color_scheme="dark")
        other.tab("Train")
        other.page.set_viewport_size({"width": 390, "height": 844})
        expect(other.page.locator("#train-status")).to_contain_text(re.compile(r"Step \d+ of \d+"))
        expect(other.page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
        other.page.get_by_role("button", name="Tuning").click()
        other.page.get_by_role("button", name="Try recipes", exact=True).click()
        expect(other.page.get_by_role("alert")).to_contain_text("Only one runs at a time")
        assert other.page.evaluate("document.documentElement.scrollWidth") <= 390
        other.picture("train-phone-dark")

        # Stopped by the second visitor; it is kept, and the first one sees that by himself.
        other.page.get_by_role("button", name="Stop").click()
        expect(status).to_contain_text("Stopped, and kept")
        adapters = page.locator("#train-adapters")
        expect(adapters.locator("tr[data-adapter='first']")).to_contain_text("★ answers")
        expect(page.locator("#train-comparison")).to_contain_text("different base models")
        other.close()

        # Another, to its end: the two are held against each other, and the first is activated.
        page.get_by_role("button", name="All other choices of the recipe").click()
        page.get_by_label("Further choices, KEY=VALUE, one a line").fill(f"{quick}\nmax_steps=6")
        page.get_by_label("Adapter's name").fill("second")
        page.get_by_label("Measure what was forgotten afterwards").uncheck()
        page.get_by_role("button", name="Train", exact=True).click()
        expect(adapters.locator("tr[data-adapter='second']")).to_contain_text("★ answers")
        expect(status).to_contain_text("Finished")
        expect(page.locator("#train-comparison")).to_contain_text("second scores")
        page.get_by_label("Chosen adapter").click()
        page.get_by_role("option", name="first").click()
        page.get_by_role("button", name="Activate").click()
        expect(page.get_by_text("first answers from now on")).to_be_visible()
        expect(adapters.locator("tr[data-adapter='first']")).to_contain_text("★ answers")
        visit.picture("train-finished")
        page.get_by_role("button", name="Remove …").click()
        page.get_by_role("button", name="Yes, remove first for good").click()
        expect(page.get_by_text("first is removed")).to_be_visible()
        expect(adapters.locator("tr[data-adapter='first']")).to_have_count(0)
        visit.close()


@pytest.mark.browser
@pytest.mark.model
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in")
def test_strangers_see_the_shipped_adapter_and_start_nothing(tmp_path: Path) -> None:
    from playwright.sync_api import expect

    with served(tmp_path / "state", "--public-demo") as address, browser() as chromium:
        visit = Visit(chromium, address)
        visit.tab("Train")
        panel = visit.page.get_by_role("tabpanel").filter(has_text="What there is to learn")
        expect(panel).to_contain_text("This is a public demo")
        expect(panel.locator("tr[data-adapter='desk']").first).to_contain_text("shipped")
        expect(panel).to_contain_text("steps")
        expect(panel.get_by_role("button", name="Train", exact=True)).to_have_count(0)
        visit.page.get_by_label("Domain").click()
        visit.page.get_by_role("option", name="Solar System").click()
        expect(panel).to_contain_text("Of 173 general questions that the base answered")
        visit.picture("train-public")
        visit.close()
