"""Four arms, one model: each gets its own prompt and weights, and the same answer every time."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from arms import Arms, abstains
from core.errors import AdapterError, ProjectError, RetrievalUnavailable
from core.language_model import LanguageModel
from core.records import ARM_NAMES, Answer, Hit, NoAnswer, Passage, Wording
from rag.encoder import Encoder
from rag.floor import NO_FLOOR, Floor
from rag.library import Library, remembering
from rag.reading import Reader
from sft.fine_tuned import FineTuned

QUESTIONS = [
    f"how long is the {name} reset button ?" for name in ("alpha", "beta", "gamma", "red", "green")
]


class OneShelf:
    """A retriever that knows one passage."""

    name, fingerprint = "tiny/g1", "0" * 64

    def retrieve(
        self, question: str, k: int, *, documents: Sequence[str] | None = None
    ) -> list[Hit]:
        text = "To reset the Alpha, hold the reset button for 8 seconds."
        passage = Passage(id="alpha#0", document_id="alpha", start=0, end=len(text), text=text)
        return [Hit(passage=passage, score=0.03, dense_rank=1, similarity=0.5)][:k]


def _arms(
    model: LanguageModel,
    encoder: Encoder,
    adapter: Path,
    *,
    tuned: ProjectError | None = None,
    library: ProjectError | None = None,
    floor: Floor = NO_FLOOR,
) -> Arms:
    model.load_adapter("tuned", adapter)
    return Arms(
        model,
        Wording("you answer questions .", "i am sorry"),
        fine_tuned=tuned or FineTuned("desk", "a" * 64, "tuned"),
        library=library or Library(OneShelf(), Reader(encoder), k=5, windows=1, floor=floor),
        max_new_tokens=8,
        seed=4,
    )


def _stream(arms: Arms, question: str, names: Sequence) -> dict:
    return {d.arm: d.answer for d in arms.stream(question, names) if d.answer is not None}


def test_arms_differ_only_in_what_is_compared(
    tiny_model: LanguageModel, encoder: Encoder, tiny_adapter: Path
) -> None:
    answers = _stream(_arms(tiny_model, encoder, tiny_adapter), QUESTIONS[0], ARM_NAMES)
    assert set(answers) == set(ARM_NAMES)
    closed, opened = answers["base"], answers["rag"]
    assert (closed.hits, closed.read, closed.citations) == ((), (), ())
    assert opened.read[0].text == OneShelf().retrieve("", 1)[0].passage.text
    assert opened.prompt_tokens > closed.prompt_tokens
    assert answers["sft"].prompt_tokens == closed.prompt_tokens
    assert answers["sft+rag"].prompt_tokens == opened.prompt_tokens
    assert len({answer.text for answer in answers.values()}) == 4
    made = answers["sft+rag"].provenance
    assert (made.adapter, made.adapter_fingerprint) == ("desk", "a" * 64)
    assert (made.index, made.index_fingerprint) == ("tiny/g1", "0" * 64)
    assert made.base_fingerprint == tiny_model.fingerprint
    assert (made.seed, made.prompt_version) == (4, closed.provenance.prompt_version)
    assert "at most 8 tokens" in made.decoding
    assert (closed.provenance.adapter, closed.provenance.index) == (None, None)


def test_an_arm_answers_the_same_alone_beside_others_and_in_a_set(
    tiny_model: LanguageModel, encoder: Encoder, tiny_adapter: Path
) -> None:
    arms = _arms(tiny_model, encoder, tiny_adapter)
    together = [_stream(arms, question, ARM_NAMES) for question in QUESTIONS]
    in_set = arms.answer(QUESTIONS, ARM_NAMES)
    for question, beside, row in zip(QUESTIONS, together, in_set, strict=True):
        for name, scored in zip(ARM_NAMES, row, strict=True):
            alone = _stream(arms, question, [name])[name]
            assert alone.text == beside[name].text == scored.text
            assert scored.arm == name


def test_a_set_is_answered_the_same_on_every_run(
    tiny_model: LanguageModel, encoder: Encoder, tiny_adapter: Path
) -> None:
    arms = _arms(tiny_model, encoder, tiny_adapter)
    seen: list[int] = []
    first = arms.answer(QUESTIONS * 5, ARM_NAMES, report=seen.append)
    again = arms.answer(QUESTIONS * 5, ARM_NAMES)
    assert seen == [16, 25]
    assert [[a.text for a in row] for row in first] == [[a.text for a in row] for row in again]


def test_when_the_store_is_away_the_closed_book_arms_still_answer(
    tiny_model: LanguageModel, encoder: Encoder, tiny_adapter: Path
) -> None:
    away = RetrievalUnavailable("The index is locked.")
    arms = _arms(tiny_model, encoder, tiny_adapter, library=away)
    assert arms.unavailable() == {"rag": "The index is locked.", "sft+rag": "The index is locked."}
    assert set(_stream(arms, QUESTIONS[0], ["base", "sft"])) == {"base", "sft"}
    with pytest.raises(RetrievalUnavailable, match="locked"):
        list(arms.stream(QUESTIONS[0], ["rag"]))


def test_without_an_adapter_the_other_arms_still_answer(
    tiny_model: LanguageModel, encoder: Encoder, tiny_adapter: Path
) -> None:
    arms = _arms(tiny_model, encoder, tiny_adapter, tuned=AdapterError("None yet."))
    assert set(arms.unavailable()) == {"sft", "sft+rag"}
    assert set(_stream(arms, QUESTIONS[0], ["base", "rag"])) == {"base", "rag"}
    with pytest.raises(ProjectError, match="no arm 'both'"):
        arms.check("both")


@pytest.mark.parametrize(
    ("text", "withheld"),
    [
        ("I am sorry, I could not find that information.", True),
        ("i am sorry I could not find that information", True),
        ("It is 8 seconds.", False),
        ("", False),
    ],
)
def test_withholding_is_recognised_by_the_corpus_s_own_words(text: str, withheld: bool) -> None:
    assert abstains(text, "I am sorry, I could not find that information.") is withheld


def test_what_is_too_far_is_withheld_by_the_open_book_arms_alone(
    tiny_model: LanguageModel, encoder: Encoder, tiny_adapter: Path
) -> None:
    near = _arms(tiny_model, encoder, tiny_adapter, floor=Floor(0.49))
    far = _arms(tiny_model, encoder, tiny_adapter, floor=Floor(0.51))
    assert _stream(near, QUESTIONS[0], ["rag"])["rag"].withheld == ""
    answers = _stream(far, QUESTIONS[0], ARM_NAMES)
    for name in ("rag", "sft+rag"):
        withheld = answers[name]
        assert (withheld.text, withheld.abstained) == ("i am sorry", True)
        assert "0.50 like the question; below 0.51" in withheld.withheld
        assert withheld.hits, "the nearest passages are shown"
        assert withheld.read == (), "and none was read"
        assert (withheld.prompt_tokens, withheld.completion_tokens) == (0, 0)
    plain = _stream(near, QUESTIONS[0], ARM_NAMES)
    for name in ("base", "sft"):
        assert answers[name].text == plain[name].text
        assert not answers[name].withheld
    for row in far.answer(QUESTIONS, ARM_NAMES):
        assert [bool(answer.withheld) for answer in row] == [False, False, True, True]
    assert set(_stream(far, QUESTIONS[0], ["rag"])) == {"rag"}


def test_any_answer_is_held_against_the_documents(encoder: Encoder) -> None:
    library = Library(OneShelf(), Reader(encoder), k=5, windows=1)
    said = "You hold the reset button for 8 seconds. It was made in Oslo in 1987."
    hits, taken = library.hold("how is the Alpha reset?", said)
    assert len(hits) == 1
    assert [said[one.start : one.end] for one in taken.unsupported] == [
        "It was made in Oslo in 1987."
    ]
    cited = {said[one.answer_start : one.answer_end] for one in taken.citations}
    assert cited == {"hold the reset button for 8 seconds"}


@pytest.mark.model
def test_the_real_model_answers_a_set_the_same_on_every_run(
    embedded_model: LanguageModel, encoder: Encoder
) -> None:
    arms = Arms(
        embedded_model,
        Wording("You answer questions. Give one short sentence.", "I do not know."),
        fine_tuned=AdapterError("none"),
        library=Library(OneShelf(), Reader(encoder), k=5, windows=1),
        max_new_tokens=24,
    )
    asked = [
        "How long do I hold the reset button of the Alpha?",
        "What is the capital of Norway?",
        "Who are you?",
    ]
    runs = [
        [[answer.text for answer in row] for row in arms.answer(asked, ["base", "rag"])]
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert "8 seconds" in runs[0][0][1], "the open-book answer is read from the passage"


def test_the_fine_tuned_arms_are_asked_in_the_form_they_were_trained_on(
    tiny_model: LanguageModel, encoder: Encoder, tiny_adapter: Path
) -> None:
    arms = _arms(tiny_model, encoder, tiny_adapter)
    arms._fine_tuned = FineTuned("desk", "a" * 64, "tuned", form="plain", scale=0.5)
    forms = {
        arm: arms._request(QUESTIONS[0], arm, arms._find(QUESTIONS[0])).prompt.form
        for arm in ARM_NAMES
    }
    assert forms == {"base": "chat", "rag": "chat", "sft": "plain", "sft+rag": "plain"}
    assert arms.provenance("sft").adapter == "desk at scale 0.5"
    assert arms.provenance("base").adapter is None


def test_an_adapter_reads_as_much_as_it_was_trained_to_and_the_base_what_is_set(
    tiny_model: LanguageModel, encoder: Encoder, tiny_adapter: Path
) -> None:
    class ThreeSentences(OneShelf):
        def retrieve(
            self, question: str, k: int, *, documents: Sequence[str] | None = None
        ) -> list[Hit]:
            text = (
                "The Alpha has a reset button. Hold it for 8 seconds. The light turns red. "
                "The Alpha was made in Oslo."
            )
            passage = Passage(id="alpha#0", document_id="alpha", start=0, end=len(text), text=text)
            return [Hit(passage=passage, score=0.03, dense_rank=1, similarity=0.5)][:k]

    shelf = Library(ThreeSentences(), Reader(encoder), k=5, windows=2)
    for trained, fine_tuned_reads in ((3, 3), (1, 1), (None, 2)):
        arms = _arms(tiny_model, encoder, tiny_adapter)
        arms._library = shelf
        arms._fine_tuned = FineTuned("desk", "a" * 64, "tuned", windows=trained)
        answers = _stream(arms, QUESTIONS[0], ARM_NAMES)
        read = {arm: len(answer.read) for arm, answer in answers.items()}
        assert read == {"base": 0, "sft": 0, "rag": 2, "sft+rag": fine_tuned_reads}
        assert answers["rag"].read == tuple(shelf.find(QUESTIONS[0]).read), "its own as ever"
        evidence = list(shelf.find(QUESTIONS[0], windows=4).read)
        [given] = arms.answer_batch(QUESTIONS[:1], "sft+oracle", given=[evidence])
        assert isinstance(given, Answer)
        assert list(given.read) == evidence, "the evidence is given whole"


class Moody(OneShelf):
    """A shelf that is away for one question."""

    def retrieve(
        self, question: str, k: int, *, documents: Sequence[str] | None = None
    ) -> list[Hit]:
        if "gamma" in question:
            raise RetrievalUnavailable("The store is away.")
        return super().retrieve(question, k, documents=documents)


def test_a_failure_is_its_own_question_s_alone(
    tiny_model: LanguageModel, encoder: Encoder, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = _arms(tiny_model, encoder, tiny_adapter)
    plain = arms.answer_batch(QUESTIONS, "rag")
    assert all(isinstance(one, Answer) for one in plain)
    arms._library = Library(Moody(), Reader(encoder), k=5, windows=1)
    one_away = arms.answer_batch(QUESTIONS, "rag")
    assert one_away[2] == NoAnswer("The store is away.")
    assert [one.text for one in one_away if isinstance(one, Answer)] == [
        one.text for number, one in enumerate(plain) if number != 2
    ]
    long = " ".join(["button"] * 600)
    too_long = arms.answer_batch([QUESTIONS[0], long], "sft")
    assert isinstance(too_long[0], Answer)
    assert "The prompt has" in too_long[1].reason
    whole = tiny_model.generate

    def breaks(requests: Sequence, *, max_new_tokens: int) -> list:
        if any("red" in request.prompt.user for request in requests):
            raise RuntimeError("out of memory")
        return whole(requests, max_new_tokens=max_new_tokens)

    monkeypatch.setattr(tiny_model, "generate", breaks)
    broken = arms.answer_batch(QUESTIONS, "base")
    assert [isinstance(one, Answer) for one in broken] == [True, True, True, False, True]
    assert broken[3] == NoAnswer("RuntimeError: out of memory")


def test_the_oracle_reads_the_evidence_as_the_open_book_arms_read(
    tiny_model: LanguageModel, encoder: Encoder, tiny_adapter: Path
) -> None:
    arms = _arms(tiny_model, encoder, tiny_adapter)
    found = arms.answer_batch(QUESTIONS, "sft+rag")
    given = [one.read for one in found if isinstance(one, Answer)]
    for name, oracle in (("rag", "oracle"), ("sft+rag", "sft+oracle")):
        as_found = arms.answer_batch(QUESTIONS, name)
        as_given = arms.answer_batch(QUESTIONS, oracle, given=given)
        for one, other in zip(as_found, as_given, strict=True):
            assert isinstance(one, Answer)
            assert isinstance(other, Answer)
            # The same words before the same weights: the same answer.
            assert (other.text, other.prompt_tokens, other.read) == (
                one.text, one.prompt_tokens, one.read
            )  # fmt: skip
            assert (other.arm, other.hits) == (oracle, ())
        made = arms.provenance(oracle)
        assert (made.index, made.adapter) == (None, arms.provenance(name).adapter)


def test_a_remembering_library_looks_a_question_up_once(encoder: Encoder) -> None:
    asked: list[str] = []

    class Counting(OneShelf):
        def retrieve(
            self, question: str, k: int, *, documents: Sequence[str] | None = None
        ) -> list[Hit]:
            asked.append(question)
            return super().retrieve(question, k, documents=documents)

    library = remembering(Library(Counting(), Reader(encoder), k=5, windows=1))
    first = library.find("how long ?")
    assert library.find("how long ?") is first
    library.hold("how long ?", "8 seconds.")
    assert asked == ["how long ?"]
