"""Which slices a run is cut into, and which of them say that they are small."""

import pytest

from eval.results import ResultRow
from eval.scores import METRICS
from eval.slices import MOST_DOCUMENTS, answer_length, choose_slicing, score_slice


def _row(number: int, **changes: object) -> ResultRow:
    fields: dict[str, object] = {
        "question_id": f"q{number}", "arm": "rag", "prediction": "yes", "references": ("8 seconds",),
        "kind": "fact", "exposure": "reworded", "metrics": dict.fromkeys(METRICS, number % 2),
        "hits": (), "citations": (), "abstained": False, "seconds": 1, "prompt_tokens": 9,
        "completion_tokens": 2, "document": f"d{number % 6}",
    }  # fmt: skip
    return ResultRow.model_validate({**fields, **changes})


@pytest.mark.parametrize(
    ("references", "kind", "name"),
    [
        (("8 seconds",), "fact", "1-2 words"),
        (("Hold it for 8 long seconds, please.", "the 8 seconds"), "fact", "1-2 words"),
        (("three words here",), "procedure", "3-8 words"),
        (("one two three four five six seven eight",), "fact", "3-8 words"),
        (("one two three four five six seven eight nine",), "fact", "9+ words"),
        (("I cannot help",), "refusal", "to decline"),
        (("I could not find it.",), "unanswerable", "to decline"),
        ((), "fact", "1-2 words"),
    ],
)
def test_answer_length_counts_the_shortest_reference(
    references: tuple[str, ...], kind: str, name: str
) -> None:
    assert answer_length(_row(0, references=references, kind=kind)) == name


@pytest.mark.parametrize(
    ("questions", "documents", "small"),
    [(30, 5, False), (29, 5, True), (30, 4, True), (200, 1, True), (1, 1, True)],
)
def test_few_questions_or_few_documents_are_small(
    questions: int, documents: int, small: bool
) -> None:
    rows = [_row(n, document=f"d{n % documents}") for n in range(questions)]
    slice_ = score_slice(rows, seed=0)
    assert slice_["n"] == questions
    assert slice_.get("small", False) == small
    assert ("small" in slice_) == small


def test_a_document_s_slice_is_small_by_its_questions_alone() -> None:
    rows = [_row(n, document="long" if n < 30 else "short") for n in range(40)]
    found = choose_slicing(rows).slices(rows, seed=0)["by_document"]
    assert list(found) == ["long", "short"]
    assert "small" not in found["long"]
    assert found["short"]["small"] is True
    assert found["long"]["accuracy"]["value"] == 0.5


def test_what_is_to_be_declined_is_of_no_document() -> None:
    rows = [
        *(_row(n) for n in range(12)),
        *(_row(n, kind="unanswerable", document=f"none-{n}") for n in range(12, 20)),
    ]
    slices = choose_slicing(rows).slices(rows, seed=0)
    assert list(slices["by_document"]) == [f"d{n}" for n in range(6)]
    assert slices["by_answer_length"]["to decline"]["n"] == 8
    assert slices["by_kind"]["answerable"]["n"] == 12


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (lambda n: f"v{n % 20}", ""),
        (lambda n: f"v{n % 21}", "21 values are more than 20"),
        (lambda n: "same", "nothing to set side by side"),
        (lambda n: f"v{n}" if n < 5 else "", "5 values over 5 questions are too many"),
    ],
)
def test_a_column_is_cut_by_where_it_has_few_values(values, note: str) -> None:
    rows = [_row(n) for n in range(60)]
    columns = {f"q{n}": {"shop": values(n)} for n in range(60) if values(n)}
    chosen = choose_slicing(rows, columns)
    found = chosen.slices(rows, seed=0)
    if note:
        assert note in chosen.left_out["shop"]
        assert "by_column" not in found
    else:
        assert not chosen.left_out
        assert {name: one["n"] for name, one in found["by_column"]["shop"].items()} == {
            f"v{n}": 3 for n in range(20)
        }


def test_too_many_documents_are_no_slices_and_say_so() -> None:
    most = MOST_DOCUMENTS
    rows = [_row(n, document=f"d{n % most}") for n in range(2 * most)]
    assert len(choose_slicing(rows).slices(rows, seed=0)["by_document"]) == most
    rows = [_row(n, document=f"d{n % (most + 1)}") for n in range(3 * most)]
    chosen = choose_slicing(rows)
    assert f"{most + 1} documents are more than {most}" in chosen.left_out["by_document"]
    assert "by_document" not in chosen.slices(rows, seed=0)


def test_every_arm_is_cut_the_same_way() -> None:
    rows = [_row(n) for n in range(60)]
    columns = {f"q{n}": {"shop": "a" if n < 40 else "b"} for n in range(60)}
    chosen = choose_slicing(rows, columns)
    # An arm that answered the first questions only has the slice that it answered, and its count.
    first = chosen.slices(rows[:30], seed=0)["by_column"]["shop"]
    assert {name: one["n"] for name, one in first.items()} == {"a": 30}
