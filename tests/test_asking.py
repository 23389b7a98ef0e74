"""What the Ask tab answers with: every state told, nothing run that is not wanted."""

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import put_adapter

from core.settings import Settings
from ui.ask_state import Asking, Variation
from ui.asking import Moment, answers, judged, put
from ui.panes import panes
from ui.questions import ONE_OF_EACH, examples
from workbench import Workbench

RESET = "For how many seconds do I press to reset the Alpha?"


@pytest.fixture
def workbench(settings: Settings, tiny_adapter: Path) -> Workbench:
    put_adapter(settings.state, tiny_adapter, Path(settings.base_model))
    return Workbench(settings)


def _last(workbench: Workbench, asking: Asking) -> Moment:
    return list(answers(workbench, asking))[-1]


def test_an_answer_goes_from_the_queue_to_both_panes(
    workbench: Workbench, tiny_corpus: Path
) -> None:
    asking = Asking(RESET, str(tiny_corpus))
    waiting = put(workbench, asking).asked
    assert waiting is not None and waiting.phase == "waiting"
    assert "Waiting for its turn" in panes(("sft", "rag"), waiting)
    moments = list(answers(workbench, asking))
    assert [moments[0].asked.phase, moments[1].asked.phase] == ["preparing", "answering"]
    asked = moments[-1].asked
    assert set(asked.answers) == {"sft", "rag"} and asked.comparable
    shown = panes(("sft", "rag"), asked)
    assert shown.count('data-state="done"') == 2
    assert "Reference:</b> Hold the button for 8 seconds." in shown
    # The adapter was trained on another fingerprint of this corpus.
    assert asked.stale and "⚠ stale adapter" in shown and "train it again" in shown
    assert "adapter mine" in shown and "index tiny/" in shown
    assert "this wording was trained on" not in shown


def test_a_trained_wording_says_so_on_the_fine_tuned_pane_only(
    workbench: Workbench, tiny_corpus: Path
) -> None:
    asked = _last(workbench, Asking("Alpha reset seconds", str(tiny_corpus))).asked
    assert "this wording was trained on" in panes(("sft",), asked)
    assert "this wording was trained on" not in panes(("rag",), asked)


def test_the_answer_from_memory_is_held_against_the_documents(
    workbench: Workbench, tiny_corpus: Path
) -> None:
    asked = _last(workbench, Asking(RESET, str(tiny_corpus))).asked
    assert asked.held is not None
    hits, alignment = workbench.hold(str(tiny_corpus), RESET, asked.answers["sft"].text)
    assert (asked.held.hits, asked.held.alignment) == (hits, alignment)


def test_a_reference_of_ones_own_is_scored_by(workbench: Workbench, tiny_corpus: Path) -> None:
    corpus = workbench.corpus(str(tiny_corpus))
    asked = _last(workbench, Asking("How heavy is it?", str(tiny_corpus))).asked
    assert asked.reference is None and "unless you type one" in panes(("rag",), asked)
    own = asked.answers["rag"].text + "\n or <this> "
    again = judged(replace(asked, asking=replace(asked.asking, own=own)), corpus)
    shown = panes(("rag",), again)
    assert "✓ right" in shown and "your own reference" in shown
    assert "or &lt;this&gt;" in shown
    long = put(workbench, Asking("How heavy?", str(tiny_corpus), own="x" * 3000))
    assert "The reference has 3000 characters" in long.message


def test_another_run_uses_its_settings_and_says_them(
    workbench: Workbench, tiny_corpus: Path
) -> None:
    plain = Asking(RESET, str(tiny_corpus))
    varied = replace(plain, variation=Variation(2, 1, temperature=1.2, seed=7))
    first, second = (_last(workbench, varied).asked.answers for _ in range(2))
    assert len(first["rag"].hits) == 2
    assert {arm: one.text for arm, one in first.items()} == {
        arm: one.text for arm, one in second.items()
    }
    assert "sampled at temperature 1.2 with seed 7" in first["sft"].provenance.decoding
    assert first["sft"].provenance.seed == 7
    asked = _last(workbench, plain).asked
    assert asked.answers["sft"].provenance.decoding.startswith("greedy")
    assert len(asked.answers["rag"].hits) > 2, "the page's own settings are as they were"
    shown = panes(("rag",), _last(workbench, varied).asked)
    assert "settings: k 2, read 1, temperature 1.2, seed 7" in shown


def test_settings_are_cut_to_what_the_page_offers() -> None:
    wild = Variation.within(1e9, -3, temperature=None, seed=-1)
    assert wild == Variation(20, 1, 0.0, 0)


def test_what_cannot_be_asked_says_why(workbench: Workbench, tiny_corpus: Path) -> None:
    assert "The question is empty" in _last(workbench, Asking(" ", str(tiny_corpus))).message
    assert "nowhere" in _last(workbench, Asking("Why?", "nowhere")).message
    (tiny_corpus / "documents" / "alpha.md").unlink()
    for path in (tiny_corpus / "documents").rglob("*.md"):
        path.unlink()
    asked = _last(workbench, Asking("How heavy is it?", str(tiny_corpus))).asked
    assert "no documents" in asked.reasons["rag"] and asked.held is None
    assert "sft" in asked.answers and not asked.comparable


def test_a_closed_stream_leaves_the_model_to_the_next(
    workbench: Workbench, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = Asking(RESET, str(tiny_corpus))
    _last(workbench, asking)  # loads
    passes = 0
    model = workbench.model()
    forward = model._weights.forward

    def counted(*arguments: object) -> object:
        nonlocal passes
        passes += 1
        return forward(*arguments)

    monkeypatch.setattr(model._weights, "forward", counted)
    left = answers(workbench, asking)
    for moment in left:
        if moment.asked.texts:
            break
    left.close()
    before = passes
    assert before > 0 and not model._weights._lock.locked()
    moment = _last(workbench, asking)
    whole = passes - before
    assert moment.asked.complete(("sft", "rag"))
    left.close()
    assert passes - before == whole > before, "nothing went on for the one who left"


def test_examples_are_offered_by_kind(workbench: Workbench, tiny_corpus: Path) -> None:
    offers = examples(workbench.corpus(str(tiny_corpus)))
    assert next(iter(offers)) == ONE_OF_EACH
    assert offers["a fact, trained in other words"] == [
        "The Beta is reset after how many seconds?",
        "For how many seconds do I press to reset the Alpha?",
    ]
    assert offers["not in the documents"] == ["Who painted the Beta?"]
    assert len(offers[ONE_OF_EACH]) == len(offers) - 1
