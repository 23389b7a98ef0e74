"""How it works, as a person uses it: choose a question, see both ways, let both answer."""

from collections.abc import Iterator

import pytest
from browsing import Visit, browser, served
from served import CHROMIUM


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("state")) as address:
        yield address


@pytest.mark.browser
@pytest.mark.model
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in")
def test_a_person_follows_a_question_through_both_ways(address: str) -> None:
    from playwright.sync_api import expect

    with browser() as chromium:
        visit = Visit(chromium, address)
        page = visit.page
        visit.tab("How it works")

        # The words stand there before anything is asked, with the glossary.
        expect(page.locator(".how .track li")).to_have_count(8)
        expect(page.locator(".how .empty").first).to_be_visible()
        expect(page.get_by_text("Catastrophic forgetting", exact=True)).to_be_visible()
        page.get_by_role("button", name="Show the steps").click()
        expect(page.get_by_role("alert")).to_contain_text("The question is empty")

        # A question that is chosen shows its real numbers on both sides.
        page.locator("#how-examples button.gallery-item").first.click()
        expect(page.locator(".how .strip rect")).to_have_count(384)
        expect(page.locator(".how .track.rag .gauge")).to_be_visible()
        expect(page.locator(".how .track.rag > ol > li").nth(1)).to_contain_text(
            "passages compared"
        )
        expect(page.locator(".how .track.rag .tok.read").first).to_be_visible()
        expect(page.locator(".how .track.sft .tok.learnt").first).to_be_visible()
        expect(page.locator(".how .track.sft")).to_contain_text("This very question")
        expect(page.locator(".how .track.sft > ol > li").nth(2)).to_contain_text(
            "as large as W itself"
        )
        expect(page.get_by_role("alert")).to_have_count(0)

        # Both answer on request, and the trained answer has become likely.
        page.get_by_role("button", name="Let both answer").click()
        for arm in ("rag", "sft"):
            reply = page.locator(f".how .reply[data-arm='{arm}']")
            expect(reply).to_have_attribute("data-state", "done")
            expect(reply.locator(".answer")).not_to_be_empty()
        expect(page.locator(".how .reply.sft h4")).to_be_visible()
        told = page.locator(".how .reply.sft h4 + .note b")
        before, after = (float(told.nth(place).inner_text()) for place in (0, 1))
        assert after < before
        visit.picture("how-light")

        # A typed question far from all documents is withheld; a new domain starts anew.
        box = page.get_by_label("Question to follow")
        box.fill("What is the best recipe for a strawberry cake?")
        box.press("Enter")
        expect(page.locator(".how .track.rag")).to_contain_text("too far")
        page.get_by_label("Domain").click()
        page.get_by_role("option", name="Solar System").click()
        expect(page.locator(".how .strip")).to_have_count(0)
        expect(box).to_have_value("")

        # A phone shows one way below the other, nothing wider than the screen.
        page.locator("#how-examples button.gallery-item").first.click()
        expect(page.locator(".how .strip rect")).to_have_count(384)
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        visit.picture("how-phone")
        visit.close()
