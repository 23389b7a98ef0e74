"""The Documents tab as a person uses it, in a real browser, with the encoder that users get."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Visit, browser, served
from served import CHROMIUM

from core.corpus.read import BUILT_IN_FOLDER
from core.storage import folder_stamp

HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("state")) as address:
        yield address


@pytest.mark.model
def test_a_person_works_on_a_copy_of_a_domain(address: str, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    built_in = folder_stamp(BUILT_IN_FOLDER)
    good, bad = tmp_path / "gamma.md", tmp_path / "broken.pdf"
    good.write_text(f"# Gamma {HOSTILE}\n\nThe Gamma lamp weighs 77 grams. {HOSTILE}\n")
    bad.write_bytes(b"%PDF-1.4 nothing of the kind")
    with browser() as chromium:
        visit = Visit(chromium, address)
        page = visit.page
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        visit.tab("Documents")

        # A built-in domain is looked at: its documents, its passages, nothing to change.
        expect(page.locator("#documents-about")).to_contain_text("Built in, not changed here")
        page.locator("#documents-list").get_by_role("button", name="RX200").first.click()
        expect(page.locator("#documents-preview section").first).to_be_visible()
        expect(page.locator("#documents-preview h3")).to_contain_text("RX200")
        expect(page.locator("#documents-upload")).to_be_hidden()
        visit.picture("documents")

        # Search tells the ranks and the floor.
        visit.tab("Search")
        box = page.get_by_role("textbox", name="Search the documents")
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("The question is empty")
        box.fill("How long is the warranty of the RX200?")
        box.press("Enter")
        hits = page.locator("#documents-hits")
        expect(hits.locator("li")).to_have_count(5)
        expect(hits.locator("li").first).to_contain_text("lexical")
        expect(hits.locator(".floor")).to_contain_text("Above the score floor")

        # A copy of one's own opens and stands in the domain list; files go in, a bad one is told.
        page.get_by_role("button", name="Make a copy to work on").click()
        expect(page.locator("#documents-about")).to_contain_text("Yours to change")
        expect(page.get_by_role("combobox", name="Domain")).to_have_value(
            "Halden home networks (copy) · yours"
        )
        visit.tab("Files")
        page.locator("#documents-upload input[type=file]").set_input_files([good, bad])
        results = page.locator("#documents-results")
        expect(results).to_contain_text("✓ added gamma.md")
        expect(results).to_contain_text("✗ refused broken.pdf: is no readable PDF")

        # A hostile document is text, in the list, the preview and the hits.
        page.get_by_role("textbox", name="Find a document").fill("gamma")
        row = page.locator("#documents-list tbody tr")
        expect(row).to_have_count(1)
        row.get_by_role("button").click()
        preview = page.locator("#documents-preview")
        expect(preview.locator("section")).to_contain_text("<script>alert(2)</script>")

        # Sync counts it.
        page.get_by_role("button", name="Sync the index").click()
        tiles = page.locator("#documents-sync .tiles")
        expect(tiles).to_be_visible()
        assert "added" in tiles.inner_text()
        visit.tab("Search")
        box.fill("How many grams does the Gamma lamp weigh?")
        box.press("Enter")
        expect(hits.locator("li").first).to_contain_text("77 grams. <img src=x")
        for inside in ("#documents-list", "#documents-preview", "#documents-hits"):
            assert page.locator(f"{inside} img, {inside} script").count() == 0
        assert dialogs == []

        # A question with evidence picked from the document, then found in the table and removed.
        visit.tab("Questions")
        page.get_by_role("button", name="Add or change a question").click()
        page.get_by_role("button", name="Add the question").click()
        expect(page.get_by_role("alert")).to_contain_text("question: is empty")
        page.get_by_label("Question text").fill("What does the Gamma lamp weigh?")
        page.get_by_label("Accepted answers").fill("77 grams\n77 g")
        page.get_by_label("Evidence: document").click()
        page.get_by_role("option", name="(gamma)").click()
        page.get_by_label("Evidence: sentences").click()
        page.get_by_role("option", name="77 grams").click()
        page.get_by_role("button", name="Take as evidence").click()
        expect(page.locator("#evidence-list q")).to_contain_text("77 grams")
        page.get_by_role("button", name="Add the question").click()
        expect(page.locator("#form-message")).to_contain_text("was added")
        page.get_by_role("textbox", name="Find a question").fill("gamma lamp")
        row = page.locator("#questions-list tbody tr")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("77 grams +1")
        row.get_by_role("button").click()
        expect(page.get_by_label("Accepted answers")).to_have_value("77 grams\n77 g")
        visit.picture("documents-labels")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download qa.jsonl").click()
        assert "What does the Gamma lamp weigh?" in Path(download.value.path()).read_text()

        # The model drafts on a document; one is accepted as it was changed, one is rejected.
        page.get_by_role("button", name="Draft questions with the model").click()
        page.get_by_label("Draft on the document").click()
        page.get_by_role("option", name="(products/rx200)").click()
        page.get_by_role("button", name="Draft with the model", exact=True).click()
        drafts = page.locator("#drafts").get_by_role("radio")
        expect(drafts.first).to_be_visible()
        waiting = drafts.count()
        page.get_by_label("Question of the draft").fill("What may I ask of the RX200?")
        page.get_by_role("button", name="Accept", exact=True).click()
        expect(drafts).to_have_count(waiting - 1)
        expect(page.locator("#drafts-message")).to_contain_text("was added")
        if waiting > 1:
            page.get_by_role("button", name="Reject", exact=True).click()
            expect(drafts).to_have_count(waiting - 2)

        # A phone shows nothing wider than its screen; the copy is deleted and the page goes on.
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("button", name="Delete this corpus").click()
        page.get_by_label("Yes, delete").check()
        page.get_by_role("button", name="Delete for good").click()
        expect(page.locator("#documents-about")).to_contain_text("Built in, not changed here")
        visit.close()
    assert folder_stamp(BUILT_IN_FOLDER) == built_in


def test_a_public_demonstration_is_looked_at_only(tmp_path: Path, tiny_model_folder: Path) -> None:
    from playwright.sync_api import expect

    state = tmp_path / "state"
    with (
        served(state, "--public-demo", base_model=str(tiny_model_folder)) as address,
        browser() as chromium,
    ):
        visit = Visit(chromium, address)
        page = visit.page
        visit.tab("Documents")
        expect(page.locator("#documents-about")).to_contain_text("uploads are closed")
        page.locator("#documents-list tbody button").first.click()
        expect(page.locator("#documents-preview section").first).to_be_visible()
        for name in ("Make a copy to work on", "Create the corpus", "Delete for good"):
            expect(page.get_by_role("button", name=name)).to_be_hidden()
        expect(page.locator("#documents-upload")).to_be_hidden()
        visit.close()
    assert not (state / "corpora").exists()
