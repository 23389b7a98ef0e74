"""The public page and the owner's beside it, as a stranger and the owner use them."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browsing import Visit, browser, served
from playwright.sync_api import Page, expect
from served import CHROMIUM

NAME, PASSWORD = "ada", "correct horse battery"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def address(state: Path, tiny_model_folder: Path) -> Iterator[str]:
    with served(
        state, "--public-demo", base_model=str(tiny_model_folder), max_new_tokens="4",
        visitor_questions_a_minute="2", visitor_upload_bytes="1000",
        owner_name=NAME, owner_password=PASSWORD,
    ) as address:  # fmt: skip
        yield address


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in")
def test_a_stranger_is_limited_and_the_owner_is_not(address: str, state: Path) -> None:
    def ask(page: Page, text: str) -> None:
        box = page.locator("#question textarea")
        box.fill(text)
        box.press("Enter")

    def answered(page: Page, text: str) -> None:
        # What was asked before stays on the page until this question's own panes come.
        last = page.locator("#past").get_by_role("button").first
        expect(last).to_contain_text(text)
        expect(page.locator(".pane[data-arm='rag']")).to_have_attribute("data-state", "done")
        expect(page.get_by_role("alert")).to_have_count(0)

    with browser() as chromium:
        # The first question of all makes the index, which may take longer than a minute.
        other = Visit(chromium, address)
        other.tab("Ask")
        ask(other.page, "What does the RX100 cost?")
        answered(other.page, "What does the RX100 cost?")

        visit = Visit(chromium, address)
        page = visit.page
        visit.tab("Ask")
        ask(page, "long " * 101)
        expect(page.get_by_role("alert")).to_contain_text("the most on this public page is 500")
        for question in ("What does the RX100 cost?", "What does the RX200 cost?"):
            ask(page, question)
            answered(page, question)
        ask(page, "And the RX300?")
        expect(page.get_by_role("alert")).to_contain_text("2 questions a minute from one session")
        visit.picture("public-limit")

        # Another visitor is not held up by the first.
        ask(other.page, "What does the RX400 cost?")
        answered(other.page, "What does the RX400 cost?")
        other.close()
        visit.close()

        # The owner's page: a wrong password stays outside, the right one is not limited.
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"{address}owner/")
        page.get_by_label("username").fill(NAME)
        page.get_by_label("password").fill("guess guess guess")
        page.get_by_role("button", name="Login").click()
        expect(page.get_by_text("Incorrect Credentials")).to_be_visible()
        page.get_by_label("username").fill(NAME)  # both were emptied
        page.get_by_label("password").fill(PASSWORD)
        page.get_by_role("button", name="Login").click()
        page.get_by_role("tab", name="Ask", exact=True).click()
        for number in range(4):
            question = f"What does the RX{number + 1}00 cost?"
            ask(page, question)
            answered(page, question)
        context.close()
    assert PASSWORD not in (state / "log.txt").read_text()
    assert "guess guess" not in (state / "log.txt").read_text()


def test_nothing_of_the_owner_s_page_is_reached_without_signing_in(address: str) -> None:
    for path in ("config", "gradio_api/info", "gradio_api/queue/data?session_hash=x"):
        assert httpx.get(f"{address}owner/{path}", timeout=60).status_code == 401, path
    joined = httpx.post(
        f"{address}owner/gradio_api/queue/join",
        json={"data": [], "fn_index": 0, "session_hash": "x"},
        timeout=60,
    )
    assert joined.status_code == 401
    assert httpx.get(f"{address}config", timeout=60).json()["title"] == "SFT vs RAG"


def test_a_large_file_is_refused_before_it_is_kept(address: str) -> None:
    refused = httpx.post(
        f"{address}gradio_api/upload", files={"files": ("a.md", b"x" * 5000)}, timeout=60
    )
    assert refused.status_code == 413
    # No file of the server's is given out, and none of another visitor's.
    for path in ("/etc/passwd", "settings.toml", "../README.md"):
        given = httpx.get(f"{address}gradio_api/file={path}", timeout=60)
        assert given.status_code in (403, 404)
