"""The Documents tab as a person uses it, in a real browser, with the encoder that users get."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browsing import Visit, browser, served
from playwright.sync_api import expect
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


def test_a_stranger_works_on_documents_that_nobody_else_sees_and_that_go_with_him(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    state, file = tmp_path / "state", tmp_path / "gamma.md"
    file.write_text("# Gamma lamp\n\nThe Gamma lamp weighs 77 grams.\n")
    with (
        served(
            state, "--public-demo", base_model=str(tiny_model_folder), max_new_tokens="4",
            visitor_upload_bytes="500",
        ) as address,
        browser() as chromium,
    ):  # fmt: skip
        visit = Visit(chromium, address)
        page = visit.page
        visit.tab("Documents")
        page.get_by_role("button", name="New empty corpus").click()
        page.get_by_label("Title").fill("Lamps")
        page.get_by_role("button", name="Create the corpus").click()
        expect(page.locator("#documents-about")).to_contain_text("Empty so far")
        upload = page.locator("#documents-upload input[type=file]")
        large = tmp_path / "large.md"
        large.write_text("long " * 200)
        upload.set_input_files([large])
        expect(page.get_by_text("exceed the maximum allowed size").first).to_be_visible()
        page_of_web = tmp_path / "page.html"
        page_of_web.write_text("<p>The Gamma lamp weighs 88 grams.</p>")
        upload.set_input_files([file, page_of_web])
        results = page.locator("#documents-results")
        expect(results).to_contain_text("added gamma.md")
        expect(results).to_contain_text("is a .html file; documents are .md, .txt, .csv")
        page.get_by_role("button", name="Sync the index").click()
        expect(page.locator("#documents-sync")).to_contain_text("1added")
        visit.tab("Ask")
        page.locator("#question textarea").fill("How heavy is the Gamma lamp?")
        page.locator("#question textarea").press("Enter")
        expect(page.locator("#evidence")).to_contain_text("weighs 77 grams")
        expect(page.get_by_role("link", name="Link to this question")).to_have_count(0)
        expect(page.locator("#past")).to_contain_text("Lamps")
        expect(page.locator("#past")).not_to_contain_text(str(state))
        expect(page.locator("#kinds")).to_have_count(0)
        visit.picture("public-documents")

        # All that is made of it lies in one folder.
        [corpus] = state.glob("visitors/*/corpora/*/")
        own = corpus.parent.parent
        assert {one.name for one in own.iterdir()} == {"corpora", "indexes", "embeddings"}
        elsewhere = [one for one in state.rglob("*") if not one.is_relative_to(own)]
        assert not [one for one in elsewhere if corpus.name in one.name]

        # Another visitor is not offered it, and cannot ask it by its place either.
        assert str(corpus) not in httpx.get(f"{address}config", timeout=60).text
        told = _asked_by_its_place(address, str(corpus))
        assert "not in the list of choices" in told
        assert "77 grams" not in told

        visit.close()
        deadline = time.monotonic() + 60
        while own.exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not own.exists()


def _asked_by_its_place(address: str, reference: str) -> str:
    """Ask a corpus from a session that it does not belong to, as no page would; what comes back."""
    page = httpx.get(f"{address}config", timeout=60).json()
    ids = {one["props"].get("elem_id"): one["id"] for one in page["components"]}
    number = next(
        one["id"]
        for one in page["dependencies"]
        if [ids["question"], "submit"] in one["targets"] and one["inputs"][0] == ids["domain"]
    )
    sent = {
        "data": [reference, "How heavy is it?", "SFT against RAG", ""],
        "fn_index": number,
        "session_hash": "stranger",
    }
    assert httpx.post(f"{address}gradio_api/queue/join", json=sent, timeout=60).status_code == 200
    heard = ""
    with httpx.stream(
        "GET", f"{address}gradio_api/queue/data?session_hash=stranger", timeout=60
    ) as lines:
        for line in lines.iter_lines():
            heard += line
            if "process_completed" in line:
                break
    return heard
