"""Another subject in question, reading and answer alike, or none at all."""

import random

import pytest

from core.records import Passage, Question, Wording
from sft.recipe import Recipe
from sft.rows import Context, build_rows
from sft.subjects import Subjects
from sft.substitution import Substitutes


def _passage(text: str) -> Passage:
    return Passage(id="d#0", document_id="d", start=0, end=len(text), text=text)


def _asked(text: str, answer: str, *short: str) -> Question:
    return Question(id=text, question=text, answers=(answer, *short), fact=text)


TRAINED = [
    _asked("What does the Halden RX400 weigh?", "The Halden RX400 weighs 240 grams.", "240 grams"),
    _asked(
        "How loud is the Halden Sight C1?", "The Halden Sight C1 makes 20 decibels.", "20 decibels"
    ),
    _asked("How long is the Halden SW8?", "The Halden SW8 is 12 cm long.", "12 cm"),
    _asked("how hot ?", "it is hot .", "hot"),
]
READ = "The Halden RX400 weighs 240 grams, so a shelf will do."
SUBJECTS = Subjects(TRAINED, english=True)


def test_question_reading_and_answer_get_the_same_other_subject() -> None:
    seen = set()
    for seed in range(20):
        told = SUBJECTS.put(TRAINED[0], [_passage(READ)], random.Random(seed))
        assert told is not None
        other = told.answer.removeprefix("The Halden ").removesuffix(" weighs 240 grams.")
        assert told.question == f"What does the Halden {other} weigh?"
        assert told.passages[0].text == READ.replace("RX400", other)
        assert told.passages[0].id == "d#0~", "it stands in no document"
        seen.add(other)
    assert seen == {"Sight C1", "SW8"}, "the maker's name is nobody's own"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (TRAINED[0], "Nothing of it."),
        (TRAINED[0], "The Halden RX4000 weighs 240 grams."),
        (TRAINED[0], "The Halden RX400 Pro weighs 240 grams."),
        (TRAINED[0], "Beside an SW8 and a Sight C1 the Halden RX400 weighs 240 grams."),
        (TRAINED[0].model_copy(update={"kind": "multi_hop"}), READ),
        (TRAINED[0].model_copy(update={"answers": ()}), READ),
        (TRAINED[3], "it is hot ."),
    ],
)
def test_nothing_is_told_where_it_could_go_wrong(question: Question, text: str) -> None:
    assert SUBJECTS.put(question, [_passage(text)], random.Random(0)) is None


def test_there_are_no_subjects_where_capitals_do_not_tell_names() -> None:
    there = Subjects(TRAINED, english=False)
    assert there.put(TRAINED[0], [_passage(READ)], random.Random(0)) is None
    assert SUBJECTS.put(TRAINED[0], [], random.Random(0)) is None


def test_rows_of_another_subject_are_made_beside_the_others() -> None:
    read = (_passage(READ),)
    contexts = {TRAINED[0].id: Context(read, True, read, (_passage("Another."),))}
    recipe = Recipe(open_book_share=1, distractors_only_share=0, other_subject_share=1)
    rows = build_rows(
        TRAINED,
        Wording("", "i am sorry"),
        contexts=contexts,
        recipe=recipe,
        substitutes=Substitutes(TRAINED, english=True),
        subjects=SUBJECTS,
    )
    [row] = [row for row in rows if row.kind == "other subject"]
    assert "RX400" not in row.prompt.user + row.completion
    assert "240 grams" not in row.prompt.user + row.completion, "the value is another too"
    assert row.completion.removeprefix("The ").split(" weighs")[0] in row.prompt.user
    closed = [row for row in rows if row.kind == "closed book"]
    assert len(closed) == len(TRAINED), "what is learnt stays as it is"
