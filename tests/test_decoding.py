"""Many rows in one batch decode as each would alone, whatever their lengths and ends."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.answer_text import Stops
from core.decoding import Row, decode

CPU = torch.device("cpu")
VOCABULARY = 23
END, LINE = 0, 1
STOPS = Stops(frozenset({END}), frozenset({LINE}))


def _next(history: Sequence[int], adapter: str | None) -> int:
    """What the model in this file says after a history: every token and its place matter."""
    seen = sum((place + 3) * token for place, token in enumerate(history))
    return (seen * seen + (5 if adapter else 0) + 7 * len(history)) % VOCABULARY


class CountingModel:
    """Keeps tokens and positions in the key/value cache and answers from what is visible there."""

    def __init__(self) -> None:
        self.widths: list[int] = []

    def __call__(self, adapters: Sequence[str | None], inputs: dict[str, Any]) -> torch.Tensor:
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        self.widths.append(len(ids))
        tokens, places = inputs["past_key_values"].update(
            ids[:, None, :, None].float(), inputs["position_ids"][:, None, :, None].float(), 0
        )
        assert mask.shape == (len(adapters), tokens.shape[2])
        logits = torch.zeros(len(adapters), VOCABULARY)
        for row, adapter in enumerate(adapters):
            visible = mask[row].bool()
            assert places[row, 0, visible, 0].tolist() == list(range(int(visible.sum())))
            history = [int(token) for token in tokens[row, 0, visible, 0]]
            logits[row, _next(history, adapter)] = 1
        return logits


def _alone(prompt: list[int], adapter: str | None, most: int) -> list[int]:
    """Greedy decoding of one row, spelt out."""
    made: list[int] = []
    while len(made) < most:
        token = _next([*prompt, *made], adapter)
        if token == END:
            break
        made.append(token)
        if token == LINE and set(made) != {LINE}:
            break
    return made


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    prompts=st.lists(
        st.tuples(
            st.lists(st.integers(2, VOCABULARY - 1), min_size=1, max_size=30),
            st.sampled_from([None, "tuned"]),
        ),
        min_size=1,
        max_size=12,
    ),
    most=st.integers(1, 12),
)
def test_each_row_gets_what_it_gets_alone(
    prompts: list[tuple[list[int], str | None]], most: int
) -> None:
    rows = [Row(list(prompt), adapter) for prompt, adapter in prompts]
    moves: dict[int, list[int]] = {id(row): [] for row in rows}
    for moved in decode(rows, CountingModel(), device=CPU, stops=STOPS, max_new_tokens=most):
        for row in moved:
            before = moves[id(row)]
            assert row.completion_ids[: len(before)] == before
            moves[id(row)] = list(row.completion_ids)
    for row, (prompt, adapter) in zip(rows, prompts, strict=True):
        assert row.finished
        assert row.prompt_ids == prompt
        assert row.completion_ids == _alone(prompt, adapter, most) == moves[id(row)]


def test_the_tests_rows_end_in_every_way() -> None:
    tokens = range(2, VOCABULARY)
    made = [_alone([one, other], None, 12) for one in tokens for other in tokens]
    assert {len(one) == 12 for one in made} == {True, False}
    assert any(one and one[-1] == LINE for one in made), "by the line"
    assert any(len(one) < 12 and LINE not in one for one in made), "by the end token"


def test_line_breaks_before_the_first_word_end_nothing() -> None:
    script = iter([LINE, LINE, 5, LINE, 6])

    def forward(_: Sequence[str | None], inputs: dict[str, Any]) -> torch.Tensor:
        shape = (1, 1, inputs["input_ids"].shape[1], 1)
        inputs["past_key_values"].update(torch.zeros(shape), torch.zeros(shape), 0)
        return torch.nn.functional.one_hot(torch.tensor([next(script)]), VOCABULARY).float()

    row = Row([2, 3], None)
    list(decode([row], forward, device=CPU, stops=STOPS, max_new_tokens=10))
    assert row.completion_ids == [LINE, LINE, 5, LINE]


def test_short_prompts_are_not_padded_to_long_ones() -> None:
    model = CountingModel()
    rows = [Row([2] * length, None) for length in (4, 40, 4, 39)]
    steps = decode(rows, model, device=CPU, stops=Stops(frozenset()), max_new_tokens=3)
    assert [len(row.prompt_ids) for row in next(steps)] == [4, 4], "the short ones come first"
    list(steps)
    assert model.widths == [2, 2, 4, 4]


def test_finished_rows_leave_the_batch() -> None:
    prompts = [[one, 7] for one in range(2, 10)]
    model = CountingModel()
    rows = [Row(prompt, None) for prompt in prompts]
    list(decode(rows, model, device=CPU, stops=STOPS, max_new_tokens=12))
    alive = [
        sum(len(_alone(prompt, None, step)) == step for prompt in prompts) for step in range(1, 12)
    ]
    assert alive[0] > alive[-1], "some end early"
    for width, needed in zip(model.widths[1:], alive, strict=False):
        assert needed <= width <= needed / 0.8 + 1


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_passes_than_tokens(most: int) -> None:
    model = CountingModel()
    rows = [Row([2, 2, 9], None), Row([3, 9, 9], "tuned")]
    list(decode(rows, model, device=CPU, stops=Stops(frozenset()), max_new_tokens=most))
    assert [len(row.completion_ids) for row in rows] == [most, most]
    assert len(model.widths) == most


def test_no_rows_need_no_pass() -> None:
    model = CountingModel()
    assert list(decode([], model, device=CPU, stops=STOPS, max_new_tokens=3)) == []
    assert model.widths == []


def test_a_stream_that_is_left_early_stops_the_work() -> None:
    model = CountingModel()
    steps = decode([Row([2, 3], None)], model, device=CPU, stops=STOPS, max_new_tokens=12)
    next(steps)
    steps.close()
    assert len(model.widths) == 1
