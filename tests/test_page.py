"""The page as a person uses it, in a real browser, with the model that users get."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Visit, browser, served
from served import CHROMIUM

from core.records import Answer, Citation, Hit, Passage, Provenance, Stretch
from core.storage import read_lines
from rag.citations import align
from ui.ask_state import Asked, Asking, Held
from ui.evidence import evidence
from ui.markup import marked
from ui.panes import panes

HOSTILE = '<img src=x onerror="alert(1)"> ${alert(2)} {{3}} & co'


def _answer(text: str, passage: Passage, citation: Citation | None = None) -> Answer:
    return Answer(
        arm="rag", text=text, hits=(Hit(passage=passage, score=0.03),), read=(passage,),
        citations=(citation,) if citation else (), prompt_tokens=9, completion_tokens=3,
        seconds=0.4, first_token_seconds=0.2,
        provenance=Provenance(base_model="m", base_fingerprint="f", prompt_version="1", decoding="g", seed=0),
    )  # fmt: skip


def test_stretches_are_marked_and_everything_is_escaped() -> None:
    assert marked("a<b>c", [(1, 4, "x")]) == 'a<mark class="x">&lt;b&gt;</mark>c'
    assert marked("abcd", [(0, 3, "x"), (2, 9, "y")]) == (
        '<mark class="x">ab</mark><mark class="x y">c</mark><mark class="y">d</mark>'
    )
    assert marked("abc", [(1, 2, "read")], inside=("read",)) == 'a<span class="read">b</span>c'
    assert marked("abc", [(2, 2, "x"), (7, 9, "x"), (-3, 0, "x")]) == "abc"


def test_hostile_text_stays_text() -> None:
    passage = Passage(
        id="p", document_id=HOSTILE, start=5, end=5 + len(HOSTILE), text=HOSTILE, heading=HOSTILE
    )
    answer = _answer(HOSTILE, passage)
    asked = Asked(Asking(HOSTILE, HOSTILE), answers={"rag": answer}, reasons={"sft": HOSTILE})
    page = panes(("sft", "rag"), asked) + evidence({"rag": answer}, ("rag",))
    assert "<img" not in page
    assert page.count("&lt;img") == 6
    assert "href=" not in page, "a corpus of one's own has no link that leads to it elsewhere"
    built_in = Asked(Asking(HOSTILE, "halden"), answers={"rag": answer})
    assert 'href="?domain=halden&amp;q=%3Cimg' in panes(("rag",), built_in)


def test_what_nothing_supports_is_marked_and_what_is_withheld_says_why() -> None:
    passage = Passage(id="p", document_id="d", start=0, end=4, text="text", page=3)
    doubted = _answer("It is <b>so</b>. It was so.", passage).model_copy(
        update={"unsupported": (Stretch(start=17, end=27),)}
    )
    withheld = _answer("I am sorry.", passage).model_copy(update={"withheld": "Too far <away>."})
    page = panes(("rag",), Asked(Asking("q"), answers={"rag": doubted}))
    assert '<span class="unsupported">It was so.</span>' in page
    assert "in no passage that was found" in page
    page = panes(("rag",), Asked(Asking("q"), answers={"rag": withheld}))
    assert '<p class="doubt">Too far &lt;away&gt;.</p>' in page
    assert "page 3" in evidence({"rag": doubted}, ("rag",))


def test_a_fine_tuned_pane_says_what_was_forgotten() -> None:
    base = _answer("x", Passage(id="p", document_id="d", start=0, end=4, text="text"))
    made = base.provenance.model_copy(update={"adapter": "mine", "adapter_fingerprint": "a" * 64})
    tuned = base.model_copy(update={"provenance": made})
    asked = Asked(Asking("q"), answers={"sft": tuned, "base": base}, forgotten="5 of <186>")
    assert "forgetting: 5 of &lt;186&gt;" in panes(("sft",), asked)
    assert "forgetting" not in panes(("base",), asked), "the base forgot nothing"


def test_words_taken_are_highlighted_where_they_stand() -> None:
    text = "Hold it for 8 seconds."
    passage = Passage(id="p", document_id="d", start=100, end=100 + len(text), text=text)
    citation = Citation(answer_start=0, answer_end=9, passage_id="p", start=112, end=121, score=1)
    shown = evidence({"rag": _answer("8 seconds", passage, citation)}, ("rag",))
    assert '<mark class="rag read">8 seconds</mark>' in shown
    assert evidence({}, ("sft", "rag")) == ""


def test_an_answer_from_memory_is_marked_by_the_documents() -> None:
    passage = Passage(
        id="p", document_id="d", start=0, end=41, text="Hold the Alpha's button for 8 seconds now."
    )
    text = "Hold the Alpha's button for 12 seconds."
    remembered = _answer(text, passage).model_copy(update={"arm": "sft", "hits": (), "read": ()})
    held = Held((Hit(passage=passage, score=0.5),), align(text, [passage]))
    asked = Asked(Asking("q"), answers={"sft": remembered}, held=held)
    shown = panes(("sft",), asked)
    assert '<span class="unsupported"> 12 </span>' in shown, "the number that stands nowhere"
    assert '<span class="cited">' in shown
    page = evidence(asked.answers, ("sft",), held)
    assert '<mark class="sft">' in page and "said by SFT from memory" in page
    assert evidence(asked.answers, ("base",), held) == ""


def test_passages_that_were_not_read_are_folded() -> None:
    passages = [Passage(id=str(n), document_id="d", start=0, end=1, text=str(n)) for n in range(8)]
    answer = _answer("x", passages[0]).model_copy(
        update={"hits": tuple(Hit(passage=one, score=0.1) for one in passages)}
    )
    shown = evidence({"rag": answer}, ("rag",))
    assert shown.count("<li>") == 8 and "3 more that were found" in shown


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def address(state: Path) -> Iterator[str]:
    with served(state, fresh=True) as address:
        yield address


@pytest.mark.browser
@pytest.mark.model
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in")
def test_a_person_asks_looks_and_compares(address: str, state: Path) -> None:
    from playwright.sync_api import expect

    with browser() as chromium:
        visit = Visit(chromium, address)
        page = visit.page
        visit.tab("Ask")

        # Nothing typed is a sentence, not a traceback.
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("The question is empty")

        # An example asks itself; two panes stream and finish, with scores and the reference.
        page.locator("#examples button.gallery-item").first.click()
        expect(page.locator(".pane")).to_have_count(2)
        for arm in ("sft", "rag"):
            pane = page.locator(f".pane[data-arm='{arm}']")
            expect(pane).to_have_attribute("data-state", "done")
            expect(pane.locator(".answer")).not_to_be_empty()
            expect(pane.locator(".badges .badge")).to_have_text(
                re.compile("^(✓ right|✗ not the reference)")
            )
            expect(pane.locator(".badges")).to_contain_text("F1")
            expect(pane.locator(".figures")).to_contain_text("first word")
            expect(pane.locator(".figures")).to_contain_text("tokens")
        expect(page.locator("p.reference")).to_contain_text("Reference:")
        expect(page.get_by_role("alert")).to_have_count(0)
        # The evidence: five passages with their ranks, what was read, and what the answer took.
        expect(page.locator(".evidence > ol > li")).to_have_count(5)
        expect(page.locator(".evidence .ranks").first).to_contain_text("by meaning #")
        expect(page.locator(".evidence .read").first).to_be_visible()
        answer = page.locator(".pane[data-arm='rag'] .answer").inner_text().lower()
        taken = page.locator(".evidence .passage mark.rag")
        expect(taken.first).to_be_visible()
        assert all(word.lower() in answer for word in taken.first.inner_text().split())

        # What made each answer stands beside it.
        expect(page.locator(".pane[data-arm='sft'] .made")).to_contain_text("adapter ")
        expect(page.locator(".pane[data-arm='rag'] .made")).to_contain_text("index halden/")

        # An answer is copied as it was given.
        visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
        copy = page.get_by_role("button", name="Copy the answer of RAG")
        copy.click()
        expect(copy).to_have_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == page.locator(".pane[data-arm='rag'] .answer").inner_text()

        # A vote is taken once, with its reason.
        page.get_by_label("Why (optional)").fill("It is <shorter>.")
        page.get_by_role("button", name="SFT is better").click()
        expect(page.locator(".thanks")).to_contain_text("is stored")
        expect(page.get_by_role("button", name="Tie")).to_be_disabled()
        [row] = read_lines(state / "feedback.jsonl")
        assert (row["vote"], row["reason"]) == ("left", "It is <shorter>.")
        assert row["answers"]["sft"]["text"]

        # A reference of one's own scores what is on the screen; no model runs for it.
        page.get_by_role("button", name="Score by a reference of your own").click()
        page.get_by_label("Reference answer").fill(row["answers"]["rag"]["text"])
        page.get_by_label("Reference answer").blur()
        expect(page.locator("p.reference")).to_contain_text("your own reference")
        expect(page.locator(".pane[data-arm='rag'] .badge.right")).to_be_visible()

        # Asked again with fewer passages and drawn words, and shown again from the visit's list.
        page.get_by_role("button", name="Run again with other settings").click()
        page.get_by_label("number input for Passages found (k)").fill("2")
        page.get_by_label("number input for Temperature").fill("0.8")
        page.get_by_label("Seed").fill("3")
        page.get_by_role("button", name="Run again", exact=True).click()
        expect(page.locator(".pane[data-arm='sft'] .made")).to_contain_text(
            "settings: k 2, read 1, temperature 0.8, seed 3"
        )
        expect(page.locator(".pane[data-state='done']")).to_have_count(2)
        expect(page.locator(".evidence > ol > li")).to_have_count(2)
        expect(page.locator("#past button.gallery-item")).to_have_count(2)
        page.locator("#past button.gallery-item").last.click()
        expect(page.locator(".pane[data-arm='sft'] .made")).not_to_contain_text("settings:")
        assert row["answers"]["sft"]["text"] in page.locator(".pane[data-arm='sft']").inner_text()

        # All four on the same question.
        page.get_by_label("All four arms").check()
        expect(page.locator(".pane[data-state='done']")).to_have_count(4)
        details = page.locator(".pane[data-arm='sft+rag'] details")
        details.locator("summary").click()
        expect(details).to_contain_text("smollm2-135m-instruct")
        expect(details).to_contain_text("halden")

        # A question of one's own has no reference, and one far too long is refused.
        box = page.locator("#question textarea")
        box.fill("What does the Halden RX100 cost?")
        box.press("Enter")
        expect(page.locator("p.reference")).to_contain_text("no reference to score by")
        expect(page.locator(".pane[data-state='done']")).to_have_count(4)
        box.fill("long " * 4000)
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("the most is 2000")

        # Another domain offers its own questions, and its adapter and documents answer them.
        before = page.locator("#examples button.gallery-item").first.inner_text()
        page.get_by_label("Domain").click()
        page.get_by_role("option", name="Solar System").click()
        example = page.locator("#examples button.gallery-item").first
        expect(example).not_to_have_text(before)
        expect(page.locator(".pane[data-state='idle']")).to_have_count(4)
        example.click()
        expect(page.locator(".pane[data-state='done']")).to_have_count(4)
        details = page.locator(".pane[data-arm='sft+rag'] details")
        details.locator("summary").click()
        expect(details).to_contain_text("solar-system/")

        # The link to it opens another page with the question in it, which is asked there.
        address_of_it = page.get_by_role("link", name="Link to this question").get_attribute("href")
        other = Visit(chromium, address)
        other.page.goto(address + str(address_of_it))
        box = other.page.locator("#question textarea")
        expect(box).to_have_value(example.inner_text().strip())
        expect(other.page.get_by_label("All four arms")).to_be_checked()
        expect(other.page.get_by_label("Domain")).to_have_value("Solar System exploration")
        expect(other.page.locator("#message")).to_contain_text("press Ask to have it answered")
        other.page.get_by_role("button", name="Ask", exact=True).click()
        expect(other.page.locator(".pane[data-state='done']")).to_have_count(4)
        other.close()

        # What was asked of the domain before is shown, but not put up to be asked of this one.
        page.locator("#past button.gallery-item").last.click()
        expect(page.locator("#message")).to_contain_text("asked of another domain")
        expect(page.locator("#question textarea")).to_have_value("")

        # A phone shows one pane below the other, nothing wider than the screen.
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        visit.close()
