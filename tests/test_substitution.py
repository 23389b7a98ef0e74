"""Another value in what is read and in the answer alike, or none at all."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.records import Passage, Question
from sft.substitution import Substitutes


def _passage(text: str) -> Passage:
    return Passage(id="d#0", document_id="d", start=0, end=len(text), text=text)


def _question(answer: str, *short: str, text: str = "How long?", fact: str = "f") -> Question:
    return Question(id=f"{fact}-1", question=text, answers=(answer, *short), fact=fact)


NUMBERS = Substitutes([], english=False)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("24 months", r"\d\d months"),
        ("€59", r"€\d\d"),
        ("€0.90", r"€\d\.\d\d"),
        ("17.5 W", r"\d\d\.\d W"),
        ("1,920 by 1,080", r"\d,\d{3} by \d,\d{3}"),
        ("18:15", r"\d\d:[0-5]\d"),
        ("7:05 pm", r"(?:[1-9]|1[0-2]):[0-5]\d pm"),
        ("14 January 2005", r"\d{1,2} [A-Z]\w+ (?:19|20)\d\d"),
        ("January 14, 2005", r"[A-Z]\w+ \d{1,2}, (?:19|20)\d\d"),
        ("1781", r"1[78]\d\d"),
    ],
)
def test_a_value_gets_another_of_its_form_in_both_places(value: str, form: str) -> None:
    answer, text = f"It is {value}, as said.", f"We say {value}. Again: {value}!"
    for seed in range(20):
        put = NUMBERS.put(_question(answer, value), [_passage(text)], random.Random(seed))
        assert put is not None
        [other] = re.findall(r"^It is (.+), as said\.$", put.answer)
        assert other != value
        assert re.fullmatch(form, other), other
        assert put.passages[0].text == f"We say {other}. Again: {other}!"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (_question("It is 8 seconds.", "8 seconds"), "Nothing of it."),
        (_question("It is 8 seconds.", "8 seconds"), "It is 18 seconds."),
        (_question("It is 8 seconds.", "8 seconds"), "It is 1.8 seconds."),
        # The other accepted form would be left standing.
        (_question("8 seconds", "8 seconds", "eight seconds"), "8 seconds (eight seconds)."),
        (_question("It is 8 seconds.", "8 seconds", text="Is it 8 seconds?"), "It is 8 seconds."),
        # Numbers that are part of a name, and one, on which a singular hangs.
        (_question("It is the RX200.", "RX200"), "It is the RX200."),
        (_question("It is 1 second.", "1 second"), "It is 1 second."),
        (_question("It is red.", "red"), "It is red."),
        (_question("It is 8.", "8").model_copy(update={"kind": "multi_hop"}), "It is 8."),
    ],
)
def test_nothing_is_put_where_it_could_go_wrong(question: Question, text: str) -> None:
    substitutes = Substitutes([question], english=True)
    assert substitutes.put(question, [_passage(text)], random.Random(0)) is None


PEOPLE = [
    _question("It was Asaph Hall.", "Asaph Hall", text="Who found Phobos?", fact="phobos"),
    _question("It was Carl Ost.", "Carl Ost", text="Who found Titan?", fact="titan"),
    _question("It lies in Gusev Crater.", "Gusev Crater", text="Where is it?", fact="spirit"),
    _question("That is the HV.", "HV", text="Which?", fact="hv"),
]


def test_a_person_gets_the_name_of_another_trained_person() -> None:
    substitutes = Substitutes(PEOPLE, english=True)
    text = "In 1877 Asaph Hall found Phobos."
    put = substitutes.put(PEOPLE[0], [_passage(text)], random.Random(0))
    assert put is not None
    assert put.answer == "It was Carl Ost."
    assert put.passages[0].text == "In 1877 Carl Ost found Phobos."
    # Part of a longer name; another language; no other name of its shape.
    long = [_passage("It was Professor Asaph Hall.")]
    assert substitutes.put(PEOPLE[0], long, random.Random(0)) is None
    other = Substitutes(PEOPLE, english=False)
    assert other.put(PEOPLE[0], [_passage(text)], random.Random(0)) is None
    place = [_passage("It lies in Gusev Crater.")]
    assert substitutes.put(PEOPLE[2], place, random.Random(0)) is None


@settings(max_examples=25, deadline=None)
@given(
    number=st.integers(2, 99_999),
    unit=st.sampled_from(("seconds", "m²", "%", "€", "秒", "hours")),
    seed=st.integers(0, 5),
)
def test_passage_and_answer_agree_and_the_old_value_is_gone(
    number: int, unit: str, seed: int
) -> None:
    value = f"{number} {unit}"
    question = _question(f"It needs {value}.", value)
    passage = _passage(f"The part needs {value}. The other needs nothing.")
    put = NUMBERS.put(question, [passage], random.Random(seed))
    if put is None:
        return
    [changed] = put.passages
    other = put.answer.removeprefix("It needs ").removesuffix(".")
    assert changed.text == passage.text.replace(value, other)
    assert value not in re.findall(r"\d+ \S+(?=\.)", changed.text)
    assert put == NUMBERS.put(question, [passage], random.Random(seed))
    assert passage.text == f"The part needs {value}. The other needs nothing.", "not changed itself"
