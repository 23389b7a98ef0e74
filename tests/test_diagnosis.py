"""Why answers are wrong: a table of cases for each rule, and what must hold for any answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records import Answer, Evidence, Hit, Passage, Provenance, Question
from eval.diagnosis import CAUSES, Diagnosis, count_causes, diagnose
from eval.examples import choose_examples, count_readable
from eval.other_answers import OtherAnswers
from eval.results import ResultRow, score_answer
from eval.wording import declines, says_the_same

PROVENANCE = Provenance(
    base_model="m", base_fingerprint="f", prompt_version="1", decoding="greedy", seed=0
)
ABSTAIN = "I could not find that information."
QUOTE = "To reset the Alpha, hold the button for 8 seconds."
SECOND = "The Beta is the only box that is sold in green."
OTHERS = OtherAnswers(
    [
        ("alpha-reset", ("Hold the button for 8 seconds.", "8 seconds")),
        ("beta-reset", ("Hold the button for 12 seconds.", "12 seconds")),
        ("beta-weight", ("520 grams",)),
        ("beta-maker", ("Ottilie Brandt",)),
        ("gamma-ports", ("7",)),
        ("gamma-lamp", ("yes", "red")),
        *((f"warranty-{number}", ("36 months",)) for number in range(6)),
    ],
    former=[("alpha-reset", ("Hold the button for 5 seconds.", "5 seconds"))],
)


def _question(**changes: object) -> Question:
    fields: dict[str, object] = {
        "id": "q",
        "question": "How long is the button of the Alpha held for a reset?",
        "answers": ("Hold the button for 8 seconds.", "8 seconds"),
        "evidence": (Evidence(document="alpha", quote=QUOTE),),
        "kind": "fact",
        "fact": "alpha-reset",
    }
    return Question.model_validate({**fields, **changes})


def _passage(document: str, text: str) -> Passage:
    return Passage(id=f"{document}:0", document_id=document, start=0, end=len(text), text=text)


def _answer(
    arm: str,
    text: str,
    *,
    found: tuple[Passage, ...] = (),
    read: tuple[Passage, ...] = (),
    withheld: str = "",
    tokens: int = 5,
) -> Answer:
    return Answer(
        arm=arm, text=text, hits=tuple(Hit(passage=one, score=1) for one in found), read=read,
        abstained=ABSTAIN in text, withheld=withheld, prompt_tokens=9, completion_tokens=tokens,
        seconds=1, first_token_seconds=1, provenance=PROVENANCE,
    )  # fmt: skip


def _row(question: Question, answer: Answer) -> ResultRow:
    return score_answer(question, answer, exposure=None, abstain_text=ABSTAIN)


def _cause(question: Question, answer: Answer, oracle: ResultRow | None = None) -> str:
    found = diagnose(
        _row(question, answer), question, answer, oracle=oracle, others=OTHERS, most_tokens=64
    )
    return found.cause if found else ""


RIGHT, WRONG = _passage("alpha", f"The Alpha. {QUOTE}"), _passage("beta", "It is beige.")
LONG = "the box is a box that stands on a shelf and hums " * 5


@pytest.mark.parametrize(
    ("arm", "text", "cause"),
    [
        ("base", "8 seconds", ""),
        ("base", "You hold it for 8 seconds.", ""),
        ("base", "", "format_or_length"),
        ("base", "...", "format_or_length"),
        ("base", "Until the moon is full.", "other"),
        ("base", "12 seconds", "other"),  # no memory without training
        ("base", LONG, "format_or_length"),
        ("base", "Hold the button for eight seconds.", "worded_otherwise"),
        ("base", ABSTAIN, "abstained_wrongly"),
        ("base", "I am sorry, but I cannot help with that.", "abstained_wrongly"),
        ("sft", "Hold the button for 12 seconds.", "memorised_other_fact"),
        ("sft", "It was made by Ottilie Brandt.", "memorised_other_fact"),
        ("sft", "Hold the button for 5 seconds.", "memorised_other_fact"),  # the former answer
        ("sft", "Hold the button for 9 seconds.", "other"),
        ("sft", "7", "other"),  # a bare number of another fact is anybody's
        ("sft", "Yes.", "other"),
        ("sft", "36 months", "other"),  # shared by six facts
        ("sft", "The red lamp of the shop on the corner blinks slowly.", "other"),  # in passing
        ("rag", "Until the moon is full.", "retrieval_missed"),
        ("sft+rag", "Hold the button for 12 seconds.", "retrieval_missed"),
        ("rag", ABSTAIN, "retrieval_missed"),
    ],
)
def test_a_closed_book_and_an_open_book_that_found_nothing(arm: str, text: str, cause: str) -> None:
    answer = _answer(arm, text, found=(WRONG,), read=(WRONG,)) if "rag" in arm else None
    assert _cause(_question(), answer or _answer(arm, text)) == cause


@pytest.mark.parametrize(
    ("arm", "text", "cause"),
    [
        ("rag", "8 seconds", ""),
        ("rag", "Until the moon is full.", "passage_not_used"),
        ("rag", "Hold the button for 12 seconds.", "passage_not_used"),
        ("rag", LONG, "format_or_length"),
        ("rag", ABSTAIN, "abstained_wrongly"),
        ("sft+rag", "Hold the button for 12 seconds.", "memorised_other_fact"),
        ("sft+rag", "Hold the button for 5 seconds.", "memorised_other_fact"),
        ("sft+rag", "It is beige.", "passage_not_used"),
    ],
)
def test_an_open_book_that_was_given_the_passage(arm: str, text: str, cause: str) -> None:
    answer = _answer(arm, text, found=(WRONG, RIGHT), read=(WRONG, RIGHT))
    assert _cause(_question(), answer) == cause


def test_a_neighbour_s_answer_that_was_read_is_no_memory() -> None:
    beta = _passage("beta", "To reset the Beta, hold the button for 12 seconds.")
    answer = _answer("sft+rag", "12 seconds", found=(RIGHT, beta), read=(RIGHT, beta))
    assert _cause(_question(), answer) == "passage_not_used"


def test_what_was_given_to_read_counts_and_not_what_was_found() -> None:
    answer = _answer("rag", "Never.", found=(WRONG, RIGHT), read=(WRONG,))
    question = _question()
    found = diagnose(_row(question, answer), question, answer, oracle=None, others=OTHERS)
    assert found == Diagnosis(
        question_id="q", arm="rag", cause="retrieval_missed",
        evidence_found=True, evidence_read=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "cause"), [(RIGHT, "abstained_wrongly"), (WRONG, "retrieval_missed")]
)
def test_a_withheld_answer_is_judged_by_what_was_found(found: Passage, cause: str) -> None:
    answer = _answer("rag", ABSTAIN, found=(found,), withheld="Withheld: too far.")
    assert _cause(_question(), answer) == cause


def test_several_steps_need_all_of_their_evidence() -> None:
    steps = _question(
        kind="multi_hop",
        evidence=(Evidence(document="alpha", quote=QUOTE), Evidence(document="beta", quote=SECOND)),
    )
    beta = _passage("beta", SECOND)
    some = _answer("rag", "Never.", found=(RIGHT, beta), read=(RIGHT,))
    every = _answer("rag", "Never.", found=(RIGHT, beta), read=(RIGHT, beta))
    assert (_cause(steps, some), _cause(steps, every)) == ("retrieval_missed", "passage_not_used")


def test_without_quotes_the_answer_itself_is_sought_in_what_was_read() -> None:
    bare = _question(evidence=())
    with_it = _answer("rag", "Never.", found=(RIGHT,), read=(RIGHT,))
    without = _answer("rag", "Never.", found=(WRONG,), read=(WRONG,))
    assert (_cause(bare, with_it), _cause(bare, without)) == (
        "passage_not_used",
        "retrieval_missed",
    )


@pytest.mark.parametrize("kind", ["unanswerable", "refusal"])
@pytest.mark.parametrize(
    ("arm", "text", "cause"),
    [
        ("base", ABSTAIN, ""),
        ("sft", "I am sorry, but I cannot help with that.", ""),
        ("sft", "Hold the button for 12 seconds.", "should_have_abstained"),
        ("rag", LONG, "should_have_abstained"),
        ("rag", "The text does not mention the chip of the Alpha.", "worded_otherwise"),
        ("base", "I don’t know the answer to that.", "worded_otherwise"),
        ("base", "", "format_or_length"),
    ],
)
def test_a_question_that_is_to_be_declined(kind: str, arm: str, text: str, cause: str) -> None:
    answers = ("I cannot help with that",) if kind == "refusal" else ()
    question = _question(kind=kind, answers=answers, evidence=())
    assert _cause(question, _answer(arm, text, found=(WRONG,), read=(WRONG,))) == cause


def test_an_answer_at_the_limit_of_tokens_was_cut() -> None:
    assert _cause(_question(), _answer("base", "It begins so", tokens=64)) == "format_or_length"
    assert _cause(_question(), _answer("base", "It begins so", tokens=63)) == "other"


@pytest.mark.parametrize("right", [True, False, None])
def test_the_oracle_says_whether_the_passage_could_be_used(right: bool | None) -> None:
    question = _question()
    answer = _answer("rag", "Never.", found=(RIGHT,), read=(RIGHT,))
    said = _row(question, _answer("base", "8 seconds" if right else "Never."))
    found = diagnose(
        _row(question, answer), question, answer,
        oracle=None if right is None else said, others=OTHERS,
    )  # fmt: skip
    assert found is not None
    assert (found.cause, found.oracle_right) == ("passage_not_used", right)
    counted = {"passage_not_used": {"right": int(bool(right)), "wrong": int(not right)}}
    assert count_readable([found]) == ({} if right is None else counted)


def test_a_memory_names_the_fact_it_is_of() -> None:
    question = _question()
    for text, fact in (("12 seconds", "beta-reset"), ("5 seconds", "alpha-reset")):
        answer = _answer("sft", text)
        found = diagnose(_row(question, answer), question, answer, oracle=None, others=OTHERS)
        assert found is not None
        assert found.remembered == fact


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        # A sentence learnt for the RX1, told of the RX4: most of it is the RX1's.
        ("The RX4 weighs 240 grams, so almost any shelf will carry it.", "rx1-weight"),
        ("The RX4 weighs 240 grams.", "rx1-weight"),
        ("The RX4 weighs 250 grams, so almost any shelf will carry it.", ""),  # 250 is nobody's
        ("The RX4 weighs 1,150 kilograms, so please choose a firm shelf.", ""),  # its own frame
        ("The RX4 comes with a warranty of two years.", "rx1-warranty"),
        ("The RX4 is firm.", ""),
    ],
)
def test_a_sentence_of_another_fact_is_known_by_what_it_adds(text: str, fact: str) -> None:
    others = OtherAnswers(
        [
            ("rx1-weight", ("The RX1 weighs 240 grams, so almost any shelf will carry it.",
                            "240 grams")),
            ("rx1-warranty", ("The RX1 comes with a warranty of 2 years.",)),
        ]
    )  # fmt: skip
    found = others.find(
        text,
        fact="rx4-weight",
        answers=("The RX4 weighs 1,150 grams, so please choose a firm shelf.", "1,150 grams"),
        question="What is the RX4's weight?",
    )
    assert (found.fact if found else "") == fact


@pytest.mark.parametrize(
    ("said", "references", "question", "same"),
    [
        ("twenty-four months", ["24 months"], "How long is the warranty?", True),
        ("It is an 8-second press.", ["8 seconds"], "How long is the press?", True),
        ("You slide the Welcome switch right.", ["move the Welcome switch to the right"],
         "How do I let a guest in?", False),  # "move" is missing: better unsaid than wrong
        ("Move right the Welcome switch.", ["move the Welcome switch to the right"],
         "How do I let a guest in?", True),
        ("The warranty is 36 months.", ["The warranty is 24 months."], "How long is it?", False),
        ("It takes the SafetyLine stick.", ["It takes the LifeLine stick."],
         "Which stick does it take?", False),
        ("It does not bend.", ["It bends"], "Does it bend or break?", False),
        ("The Alpha or the Beta?", ["the Beta"], "Which is heavier, the Alpha or Beta?", False),
        ("24 months or 36 months", ["24 full months"], "How long is the warranty?", False),
        ("", ["24 months"], "How long?", False),
    ],
)  # fmt: skip
def test_the_same_in_other_words(
    said: str, references: list[str], question: str, same: bool
) -> None:
    assert says_the_same(said, references, question) == same


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("I'm sorry, but I can't assist with that.", True),
        ("We are unable to share that.", True),
        ("The documents do not say.", True),
        ("That is not something this desk can help with.", True),
        ("Sorry, I do not have any information on it.", True),
        ("The fan cannot be replaced.", False),
        ("If you could not find the reset button, look below.", False),
        ("We do not sell parts.", False),
    ],
)
def test_declining_in_plain_words(text: str, is_one: bool) -> None:
    assert declines(text) == is_one


def test_causes_are_counted_and_examples_tell() -> None:
    def row(name: str, arm: str, cause: str, document: str = "d", text: str = "no") -> ResultRow:
        return _row(_question(id=name), _answer(arm, text)).model_copy(
            update={"diagnosis": cause, "document": document}
        )

    rows = [
        row("a", "sft", "other", text="a longer one"),
        row("b", "sft", "other"),
        row("c", "sft", "other"),
        row("d", "sft", "other", document="e"),
        row("c", "rag", "", text="8 seconds"),
        row("d", "base", "format_or_length"),
    ]
    assert count_causes(rows) == {"format_or_length": 1, "other": 4}
    chosen = choose_examples(rows, most=3)
    # "c" first, which another arm solved; then another document; then the shorter text.
    assert [one.question_id for one in chosen["other"]] == ["c", "d", "b"]
    assert list(chosen) == ["format_or_length", "other"]
    assert choose_examples(list(reversed(rows)), most=3) == chosen


_TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from([ABSTAIN, "8 seconds", "12 seconds", "yes", "5 seconds", LONG, QUOTE]),
    st.lists(
        st.sampled_from("the button is 8 12 seconds not held for Alpha 36 months".split())
    ).map(" ".join),
)
_PASSAGES = st.lists(
    st.one_of(st.just(RIGHT), st.just(WRONG), st.text(max_size=30).map(lambda t: _passage("x", t))),
    max_size=3,
).map(tuple)


@given(
    arm=st.sampled_from(["base", "sft", "rag", "sft+rag"]),
    kind=st.sampled_from(["fact", "procedure", "multi_hop", "unanswerable", "refusal"]),
    text=_TEXTS, found=_PASSAGES, read=_PASSAGES, withheld=st.sampled_from(["", "too far"]),
    answers=st.lists(_TEXTS.filter(lambda text: bool(text.strip())), max_size=3).map(tuple),
    labelled=st.booleans(), tokens=st.integers(0, 64),
)  # fmt: skip
def test_any_wrong_answer_has_one_cause_and_a_right_one_none(
    arm: str, kind: str, text: str, found: tuple[Passage, ...], read: tuple[Passage, ...],
    withheld: str, answers: tuple[str, ...], labelled: bool, tokens: int,
) -> None:  # fmt: skip
    question = _question(
        kind=kind,
        answers=() if kind == "unanswerable" else answers,
        evidence=(Evidence(document="alpha", quote=QUOTE),) if labelled else (),
    )
    answer = _answer(arm, text, found=found, read=read, withheld=withheld, tokens=tokens)
    row = _row(question, answer)
    one = diagnose(row, question, answer, oracle=None, others=OTHERS, most_tokens=64)
    assert one == diagnose(row, question, answer, oracle=None, others=OTHERS, most_tokens=64)
    assert (one is None) == (row.metrics["accuracy"] == 1)
    if one is None:
        return
    assert one.cause in CAUSES
    open_book = "rag" in arm
    if not open_book:
        assert one.cause not in ("retrieval_missed", "passage_not_used")
        assert one.evidence_found is None
        assert one.evidence_read is None
    if one.cause == "memorised_other_fact":
        assert "sft" in arm
        assert one.remembered
    if one.cause == "passage_not_used":
        assert one.evidence_read
    if kind in ("unanswerable", "refusal"):
        assert one.cause in ("should_have_abstained", "worded_otherwise", "format_or_length")
    elif row.abstained:
        assert one.cause in ("abstained_wrongly", "retrieval_missed", "format_or_length")
    else:
        assert one.cause != "should_have_abstained"
