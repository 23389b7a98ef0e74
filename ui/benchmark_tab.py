"""Benchmark: a run's questions with two arms' answers, who won where, and new runs."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from core.errors import ProjectError
from eval.report_data import Run
from eval.report_examples import cause
from ui.benchmark_controls import Controls, Looked, Updates, laid_out
from ui.benchmark_data import WINNERS, Duel, Filter, duels, slices
from ui.benchmark_new_run import PUBLIC, new_run
from ui.benchmark_question import whole_question
from ui.benchmark_runs import Runs
from ui.benchmark_table import (
    EXPOSURES,
    KINDS,
    PAGE,
    question_table,
    slice_table,
    title,
    winner_words,
)
from ui.markup import INSIDE, sentence
from ui.stage import Stage

_FOCUS_WHOLE = "() => setTimeout(() => document.querySelector('.bench.whole')?.focus(), 150)"
_FOCUS_ROW = (
    "() => setTimeout(() => document.querySelector('.bench tr[aria-current] button')?.focus(), 150)"
)

_log = logging.getLogger(__name__)


def benchmark_tab(stage: Stage, question: gr.Textbox) -> None:
    """Lay out the tab over the shipped run; no model is loaded before a run is started.

    :param question: of Ask, where a question of the run can be opened.
    """
    shown = _Shown(stage)
    with gr.Row():
        run = gr.Dropdown([], label="Run", scale=2, min_width=240)
        first = gr.Dropdown([], label="First arm", scale=1, min_width=140)
        second = gr.Dropdown([], label="Second arm", scale=1, min_width=140)
    made = None if stage.public else new_run(stage, shown.runs, run)
    if made is None:
        gr.HTML(PUBLIC, js_on_load=None)
    c = laid_out(run, first, second)
    light: dict[str, Any] = {
        "queue": False, "show_progress": "hidden", "api_visibility": "private"
    }  # fmt: skip
    every = c.outputs

    def on(event: Callable[..., Any], do: Callable[[Looked], Updates]) -> Any:
        def safely(values: dict[Any, Any]) -> Updates:
            try:
                return {c.message: "", **do(shown.settled(c.looked(values, stage.domain)))}
            except ProjectError as error:
                return {c.message: sentence(str(error)), **c.nothing()}
            except Exception:  # a person reads a sentence, the log the traceback
                _log.exception("the benchmark tab failed")
                return {c.message: sentence(INSIDE)}

        return event(safely, {*c.inputs, stage.domain}, every, **light)

    on(stage.page.load, lambda at: shown.run(c, at, first=True))
    on(stage.domain.change, lambda at: shown.run(c, at, first=True))
    on(run.input, lambda at: shown.run(c, at))
    on(c.first.input, lambda at: shown.arms(c, at, kept="first"))
    on(c.second.input, lambda at: shown.arms(c, at, kept="second"))
    # The box's change comes with what is typed; its input may still come with what was before.
    for event in (*(one.input for one in (c.kind, c.exposure, c.won, c.cause)), c.search.change):
        on(event, lambda at: shown.listed(c, at, page=0))
    on(c.before.click, lambda at: shown.listed(c, at, page=at.page - 1))
    on(c.after.click, lambda at: shown.listed(c, at, page=at.page + 1))
    on(c.previous.click, lambda at: shown.walked(c, at, -1))
    on(c.next.click, lambda at: shown.walked(c, at, 1))
    on(c.back.click, lambda at: shown.back(c, at)).then(None, js=_FOCUS_ROW, **light)

    def picked(event: gr.EventData) -> str:
        return str(event.id)

    chosen = c.table.click(picked, None, c.picked, **light)
    on(chosen.then, lambda at: shown.whole(c, at)).then(None, js=_FOCUS_WHOLE, **light)
    c.ask.click(
        lambda where, name, picked: (
            shown.words_of(where, name, picked), gr.Tabs(selected="ask")
        ),
        [stage.domain, run, c.picked],
        [question, stage.tabs],
        **light,
    )  # fmt: skip
    if made is not None:
        show, evaluations = made
        on(show.click, lambda at: shown.run(c, at, name=evaluations.finished()))


class _Shown:
    """Makes what is shown of the runs that a page knows."""

    def __init__(self, stage: Stage) -> None:
        self.runs = Runs(None if stage.public else stage.workbench.state / "runs")
        self._workbench, self._public = stage.workbench, stage.public

    def run(
        self, c: Controls, at: Looked, *, first: bool = False, name: str | None = None
    ) -> Updates:
        """Show a run from its beginning: the chosen one, the corpus's first, or a named one."""
        corpus = self._corpus(at.domain)
        chosen = self.runs.first(corpus) if first else name or at.run
        if chosen is None:
            none = gr.Dropdown(choices=[], value=None)
            title_of = self._workbench.corpus(at.domain).info.title or corpus
            how = "." if self._public else ": open “Start a new run”."
            told = sentence(f"There is no run of {title_of} yet{how}", role="status")
            return {c.run: none, c.first: none, c.second: none, c.message: told, **c.nothing()}
        found = self.runs.read(corpus, chosen)
        arms = list(found.arms)
        a, b = _two(arms, at.a, at.b)
        offered = [(title(arm), arm) for arm in arms]
        kinds = dict.fromkeys(row.kind for row in found.rows)
        exposures = dict.fromkeys(row.exposure for row in found.rows if row.exposure)
        told = " ".join(found.problems)
        kept = Filter(search=at.asked.search)
        return {
            c.run: gr.Dropdown(choices=self.runs.choices(corpus), value=chosen),
            c.first: gr.Dropdown(choices=offered, value=a),
            c.second: gr.Dropdown(choices=offered, value=b),
            c.kind: _offer("All kinds", [(KINDS.get(one, one), one) for one in kinds]),
            c.exposure: _offer("Any", [(EXPOSURES.get(one, one), one) for one in exposures]),
            c.message: sentence(told, role="status"),
            **self._compared(
                c,
                replace(at, run=chosen, a=a, b=b, asked=kept, picked=""),
            ),
            **_listing(c, seen=True),
        }

    def arms(self, c: Controls, at: Looked, *, kept: str) -> Updates:
        """Compare other arms; the one just chosen is kept where both would be the same."""
        arms = list(self._read(at).arms)
        a, b = at.a, at.b
        if a == b and len(arms) > 1:
            other = next(arm for arm in arms if arm != a)
            a, b = (a, other) if kept == "first" else (other, b)
        at = replace(at, a=a, b=b)
        return {c.first: a, c.second: b, **self._compared(c, at), **self._whole(c, at)}

    def settled(self, at: Looked) -> Looked:
        """Fill in what the page was not told yet: an event may be sooner than its first run."""
        name = at.run or self.runs.first(self._corpus(at.domain))
        if name is None or (at.run and at.a and at.b):
            return at
        a, b = _two(list(self._read(replace(at, run=name)).arms), at.a, at.b)
        return replace(at, run=name, a=a, b=b)

    def listed(self, c: Controls, at: Looked, *, page: int) -> Updates:
        """Show a page of the questions that the filters leave."""
        found = [duel for duel in self._duels(at) if at.asked.takes(duel)]
        pages = max(1, -(-len(found) // PAGE))
        page = min(max(page, 0), pages - 1)
        some = found[page * PAGE : (page + 1) * PAGE]
        count = f"{len(found)} question{'' if len(found) == 1 else 's'}"
        return {
            c.table: question_table(some, at.a, at.b, picked=at.picked),
            c.page: page,
            c.count: f'<div class="bench"><p role="status">{count}, page {page + 1} of {pages}</p>'
            "</div>",
            c.before: gr.Button(interactive=page > 0),
            c.after: gr.Button(interactive=page < pages - 1),
        }

    def whole(self, c: Controls, at: Looked) -> Updates:
        """Show the picked question whole in place of the list."""
        return {**self._whole(c, at), **_listing(c, seen=False)}

    def walked(self, c: Controls, at: Looked, step: int) -> Updates:
        """Go to the next question of the list, or the one before."""
        names = self._names(at)
        place = names.index(at.picked) + step if at.picked in names else 0
        name = names[min(max(place, 0), len(names) - 1)] if names else at.picked
        return {c.picked: name, **self._whole(c, replace(at, picked=name))}

    def back(self, c: Controls, at: Looked) -> Updates:
        """Show the list again, at the question that was looked at."""
        names = self._names(at)
        page = names.index(at.picked) // PAGE if at.picked in names else at.page
        return {**self.listed(c, at, page=page), **_listing(c, seen=True)}

    def words_of(self, domain: str, name: str, picked: str) -> Any:
        """The words of a question, for Ask; what stands there where it cannot be read."""
        try:
            asked = self.runs.read(self._corpus(domain), name).questions.get(picked, {})
        except ProjectError:
            return gr.skip()
        return asked.get("question") or gr.skip()

    def _compared(self, c: Controls, at: Looked) -> Updates:
        found, run = self._duels(at), self._read(at)
        causes = sorted({cause for duel in found for cause in duel.causes})
        there = {duel.winner for duel in found}
        won = [(winner_words(one, at.a, at.b), one) for one in WINNERS if one in there]
        # Both are offered anew, in the words of these arms.
        at = replace(at, asked=replace(at.asked, winner="", cause=""))
        return {
            c.won: _offer("Anyone", won),
            c.cause: _offer("Any cause", [(cause(one)[0], one) for one in causes]),
            c.slices: slice_table(slices(run, found, at.a, at.b), at.a, at.b),
            **self.listed(c, at, page=0),
        }

    def _whole(self, c: Controls, at: Looked) -> Updates:
        duel = next((one for one in self._duels(at) if one.id == at.picked), None)
        if duel is None:
            return {c.whole: ""}
        names = self._names(at)
        place = names.index(duel.id) if duel.id in names else -1
        corpus = self._workbench.corpus(at.domain)
        same = self._read(at).info.get("corpus_fingerprint") == corpus.fingerprint
        documents = {one.id: one for one in corpus.documents} if same else None
        return {
            c.whole: whole_question(duel, at.a, at.b, documents=documents),
            c.previous: gr.Button(interactive=place > 0),
            c.next: gr.Button(interactive=0 <= place < len(names) - 1),
        }

    def _names(self, at: Looked) -> list[str]:
        return [duel.id for duel in self._duels(at) if at.asked.takes(duel)]

    def _duels(self, at: Looked) -> list[Duel]:
        return duels(self._read(at), at.a, at.b)

    def _read(self, at: Looked) -> Run:
        return self.runs.read(self._corpus(at.domain), at.run)

    def _corpus(self, domain: str) -> str:
        return self._workbench.corpus(domain).name


def _two(arms: Sequence[str], a: str, b: str) -> tuple[str, str]:
    """The arms to compare: those that were, SFT and RAG at first, else what there is."""
    first = next((arm for arm in (a, "sft", *arms) if arm in arms), "")
    others = [arm for arm in (b, "rag", *arms) if arm in arms and arm != first]
    return first, next(iter(others), first)


def _offer(everything: str, choices: Sequence[tuple[str, str]]) -> gr.Dropdown:
    return gr.Dropdown(choices=[(everything, ""), *choices], value="")


def _listing(c: Controls, *, seen: bool) -> Updates:
    return {c.listing: gr.Column(visible=seen), c.single: gr.Column(visible=not seen)}
