"""Forgetting is counted right, kept with its adapter, and never told of other weights."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from conftest import write_corpus

from core.corpus.known import Asked, KnownFacts
from core.corpus.plain_text import PLAIN_TEXT_FILE, read_plain_text
from core.corpus.read import read_corpus
from core.errors import EvaluationError
from core.language_model import LanguageModel
from core.prompts import PROMPT_VERSION
from core.records import Answer, ArmName, Provenance
from core.settings import Settings
from eval.forgetting import Forgetting, Probe, ask_probe, general_questions, measure_forgetting
from eval.forgetting_files import (
    FORGETTING_FILE,
    Weights,
    base_answers,
    card_beside,
    forgetting_line,
    forgetting_path,
    read_forgetting,
    weights_of,
    with_forgetting,
    write_forgetting,
)
from sft.adapters import adapter_fingerprint, read_adapter, write_manifest
from sft.manifest import AdapterManifest
from sft.recipe import Recipe
from ui import asking
from ui.ask_state import Asking
from workbench import Workbench

QUESTIONS = [
    {"id": f"g-{n}", "question": f"how many {word} ?", "answers": [answer], "split": "test"}
    for n, (word, answer) in enumerate(
        [("lamp", "8"), ("button", "10"), ("router", "12"), ("grams", "20"), ("months", "24")]
    )
]
BASE = {"g-0": "8 lamp", "g-1": "10", "g-2": "12", "g-3": "red", "g-4": "blue"}
TUNED = {"g-0": "8", "g-1": "red", "g-2": "green", "g-3": "it is 20", "g-4": "blue"}


class Scripted:
    """Answers what it is told to, and counts how often it is asked."""

    def __init__(self, probe: Probe) -> None:
        self.ids = {one.question: one.id for one in probe.questions}
        self.asked: list[str] = []

    def answer(
        self, questions: Sequence[str], arms: Sequence[ArmName], *, report: Callable[[int], None]
    ) -> list[list[Answer]]:
        [arm] = arms
        self.asked.append(arm)
        report(len(questions))
        said = TUNED if arm == "sft" else BASE
        return [[self._answer(arm, said[self.ids[one]])] for one in questions]

    def _answer(self, arm: ArmName, text: str) -> Answer:
        return Answer(
            arm=arm, text=text, prompt_tokens=1, completion_tokens=1, seconds=0.0,
            first_token_seconds=0.0, provenance=self.provenance(arm),
        )  # fmt: skip

    def provenance(self, arm: ArmName) -> Provenance:
        tuned = arm == "sft"
        return Provenance(
            base_model="m", base_fingerprint="f" * 64, adapter="mine" if tuned else None,
            adapter_fingerprint="a" * 64 if tuned else None, prompt_version="4",
            decoding="greedy", seed=3,
        )  # fmt: skip


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    folder = write_corpus(tmp_path / "general", {}, QUESTIONS)
    texts = ["the lamp of the router is red", "hold the button for 8 seconds", "how long ?"]
    rows = [{"id": str(n), "kind": "news", "text": text} for n, text in enumerate(texts)]
    (folder / PLAIN_TEXT_FILE).write_text("".join(json.dumps(row) + "\n" for row in rows))
    corpus = read_corpus(str(folder))
    known = KnownFacts(
        corpus="general", base_model="m", base_fingerprint="f", prompt_version="4",
        decoding="greedy",
        facts={f"g-{n}": Asked(asked=4, right=4 if n < 2 else 1) for n in range(5)},
    )  # fmt: skip
    return Probe(corpus, general_questions(corpus.questions), read_plain_text(corpus), known)


@pytest.fixture
def model(tiny_model_folder: Path, tiny_adapter: Path, tmp_path: Path) -> LanguageModel:
    model = LanguageModel(str(tiny_model_folder), tmp_path / "m", device="cpu", dtype="float32")
    model.load_adapter("tuned", tiny_adapter)
    return model


@pytest.fixture
def measured(model: LanguageModel, probe: Probe) -> Forgetting:
    return measure_forgetting(model, Scripted(probe), probe, loaded_as="tuned", base_answers=BASE)


def test_answers_that_flip_are_counted_by_their_side(measured: Forgetting) -> None:
    assert (measured.questions, measured.base_right) == (5, 3)
    assert measured.lost_questions == ("g-1", "g-2")
    assert measured.gained_questions == ("g-3",)
    assert (measured.lost, measured.gained, measured.p) == (2, 1, 1.0)
    assert measured.accuracy_before.value == pytest.approx(3 / 5)
    assert measured.accuracy_after.value == pytest.approx(2 / 5)
    assert measured.lost_share.value == pytest.approx(2 / 3)
    assert measured.lost_share.low < 2 / 3 < measured.lost_share.high
    assert (measured.known, measured.known_lost) == (2, 1)
    assert (measured.adapter, measured.adapter_fingerprint) == ("mine", "a" * 64)
    assert (measured.prompt_version, measured.seed) == ("4", 3)


def test_texts_are_read_with_both_weights(measured: Forgetting) -> None:
    assert (measured.texts, measured.tokens) == (3, 6 + 5 + 2)
    assert measured.loss_change is not None and measured.text_kl is not None
    assert measured.loss_before is not None and measured.loss_after is not None
    change = measured.loss_after - measured.loss_before
    assert measured.loss_change.value == pytest.approx(change)
    assert measured.loss_change.low <= change <= measured.loss_change.high
    assert 0 < measured.text_kl.low <= measured.text_kl.value <= measured.text_kl.high
    assert measured.answer_kl.value > 0


def test_without_texts_only_the_answers_are_measured(model: LanguageModel, probe: Probe) -> None:
    bare = Probe(probe.corpus, probe.questions)
    found = measure_forgetting(model, Scripted(bare), bare, loaded_as="tuned", base_answers=BASE)
    assert (found.texts, found.loss_change, found.text_kl, found.known) == (0, None, None, None)
    assert "plain-text" not in found.told() + found.table()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lost": 9, "gained": 12, "p": 0.66}, "9 were lost and 12 others gained (McNemar p 0.66): the balance of the two is not clear"),
        ({"lost": 20, "gained": 2, "p": 0.0001}, "(McNemar p 0.0001): general answers were forgotten"),
        ({"lost": 1, "gained": 20, "p": 0.00002}, "(McNemar p 2e-05): more general answers than before"),
    ],
)  # fmt: skip
def test_the_sentence_says_what_the_test_says(
    measured: Forgetting, changes: dict[str, object], words: str
) -> None:
    found = measured.model_copy(update={"base_right": 186, **changes})
    assert words in found.told()
    assert found.told().startswith("Of 186 general questions that the base answered, ")
    assert found.short() == f"{changes['lost']} of 186 general answers lost"
    assert found.loss_change is not None
    assert f"plain-text loss {found.loss_change.value:+.3f} nats a token." in found.told()
    nothing = found.model_copy(update={"base_right": 0, "lost": 0, "gained": 0, "p": 1.0})
    assert "knew nothing that could be lost" in nothing.told()
    assert all(row.count("|") == 3 for row in found.table().splitlines())


def test_the_base_is_asked_once(probe: Probe, tmp_path: Path) -> None:
    answerer, told = Scripted(probe), []
    first = base_answers(answerer, probe, tmp_path, report=lambda *step: told.append(step))
    again = base_answers(answerer, probe, tmp_path, report=lambda *step: told.append(step))
    assert first == again == BASE
    assert answerer.asked == ["base"]
    assert told == [("general questions, base", 5, 5)]
    fewer = Probe(probe.corpus, probe.questions[:2])
    assert set(base_answers(answerer, fewer, tmp_path, report=lambda *_: None)) == {"g-0", "g-1"}
    assert answerer.asked == ["base", "base"], "another set of questions is another batch"
    for path in (tmp_path / "forgetting").iterdir():
        path.write_text("{")
    assert base_answers(answerer, probe, tmp_path, report=lambda *_: None) == BASE
    assert len(answerer.asked) == 3, "what cannot be read is asked again"


def test_asking_goes_by_question(probe: Probe) -> None:
    assert ask_probe(Scripted(probe), probe, "sft", report=lambda *_: None) == TUNED


def test_nothing_to_forget_is_refused(tiny_corpus: Path) -> None:
    corpus = read_corpus(str(tiny_corpus))
    declined = [one for one in corpus.questions if one.kind in ("unanswerable", "refusal")]
    with pytest.raises(EvaluationError, match="nothing can be forgotten"):
        general_questions(declined)


def test_it_is_kept_beside_its_adapter_and_told_of_no_other(
    measured: Forgetting, tmp_path: Path
) -> None:
    state, folder = tmp_path / "state", tmp_path / "shipped" / "tiny" / "mine"
    weights = weights_of(measured)
    assert weights == Weights("mine", "a" * 64, "f" * 64, "4")
    assert "was not measured yet" in forgetting_line(folder, state, weights, corpus="tiny")
    write_forgetting(folder / FORGETTING_FILE, measured)
    assert read_forgetting(folder, state, weights) == measured
    newer = measured.model_copy(update={"gained": 0})
    place = forgetting_path(folder, state, shipped=True)
    assert place == state / "forgetting" / "tiny" / "mine.json"
    write_forgetting(place, newer)
    assert read_forgetting(folder, state, weights) == newer, "the state folder's first"
    for stale in (
        weights._replace(adapter="mine at scale 0.5"),
        weights._replace(adapter_fingerprint="x"),
        weights._replace(base_fingerprint="x"),
        weights._replace(prompt_version="x"),
    ):
        assert read_forgetting(folder, state, stale) is None
        line = forgetting_line(folder, state, stale, corpus="tiny")
        assert "of other weights" in line and "forgetting tiny --adapter mine" in line
    write_forgetting(place, measured.model_copy(update={"adapter_fingerprint": "x"}))
    assert read_forgetting(folder, state, weights) == measured, "the stale one is passed over"
    place.write_text("{")
    assert forgetting_line(folder, state, weights, corpus="tiny") == measured.told()


def test_the_card_tells_it_once(measured: Forgetting, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "README.md").write_text("# mine\n\nA card.\n")
    path = folder / FORGETTING_FILE
    assert card_beside(path, folder) == folder / "README.md"
    write_forgetting(path, measured, card=card_beside(path, folder))
    newer = measured.model_copy(update={"lost": 3})
    write_forgetting(path, newer, card=card_beside(path, folder))
    card = (folder / "README.md").read_text()
    assert card.startswith("# mine\n\nA card.\n\n<!-- forgetting -->")
    assert card.count("## What it forgot") == 1
    assert newer.told() in card and measured.told() not in card
    assert with_forgetting(card, newer) == card
    # A file of that name elsewhere says nothing of the README beside it.
    assert card_beside(tmp_path / FORGETTING_FILE, folder) is None


@pytest.fixture
def adapter_folder(settings: Settings, tiny_model_folder: Path, tiny_adapter: Path) -> Path:
    folder = settings.state / "adapters" / "tiny" / "mine"
    shutil.copytree(tiny_adapter, folder)
    model = LanguageModel(
        str(tiny_model_folder), settings.state / "models", device="cpu", dtype="float32"
    )
    manifest = AdapterManifest(
        name="mine", corpus="tiny", corpus_fingerprint="c", base_model=str(tiny_model_folder),
        base_fingerprint=model.fingerprint, prompt_version=PROMPT_VERSION, recipe=Recipe(),
        sha256=adapter_fingerprint(folder), versions={}, rows=1, steps=1, seconds=1.0, scores={},
    )  # fmt: skip
    write_manifest(folder, manifest)
    return folder


def test_the_workbench_measures_keeps_and_reads(
    settings: Settings, tiny_corpus: Path, adapter_folder: Path, tmp_path: Path
) -> None:
    workbench = Workbench(settings)
    stages: list[str] = []
    found, path = workbench.forgetting(
        str(tiny_corpus), limit=20, report=lambda what, done, of: stages.append(what)
    )
    assert path == adapter_folder / FORGETTING_FILE
    assert found.questions == 20 and found.texts == 40
    assert found.adapter == "mine"
    assert list(dict.fromkeys(stages)) == [
        "general questions, base", "general questions, sft", "answers compared", "plain texts read",
    ]  # fmt: skip
    adapter = read_adapter(adapter_folder)
    assert workbench.forgetting_of(adapter) == found
    assert workbench.forgetting_line(adapter) == found.told()
    assert workbench.forgetting_of(adapter, "mine at scale 0.5") is None
    put = Asking("how long ?", str(tiny_corpus))
    lines = [moment.asked.forgotten for moment in asking.answers(workbench, put) if moment.asked]
    assert lines[-1] == found.short(), "the page says it"
    fewer, nowhere = workbench.forgetting(str(tiny_corpus), limit=5)
    assert (fewer.questions, nowhere) == (5, None), "a sample does not replace what is fuller"
    assert workbench.forgetting_of(adapter) == found
    stages.clear()
    again, elsewhere = workbench.forgetting(
        str(tiny_corpus), adapter="mine", limit=20, out=tmp_path / "f.json",
        report=lambda what, done, of: stages.append(what),
    )  # fmt: skip
    assert "general questions, base" not in stages
    assert again == found, "measured again it is the same"
    assert Forgetting.model_validate_json(elsewhere.read_text()) == found
