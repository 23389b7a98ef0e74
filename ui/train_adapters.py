"""The adapters of a corpus: what each scored and forgot, and the newest against the one before."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from core.errors import TrainingError
from core.wilson import wilson
from eval.forgetting import Forgetting
from sft.adapters import AdapterState
from sft.recipe import MOST_ASKED
from sft.run_folder import RunFolder
from ui.train_recipe import recipe_words
from ui.train_run import time_words
from workbench import Workbench

_PICTURE = "curve.svg"
_NONE = "–"


@dataclass(frozen=True)
class AdapterView:
    """An adapter with what was measured of it."""

    state: AdapterState
    #: Validation questions behind its scores; 0 where that is not known.
    questions: int
    forgot: Forgetting | None
    #: When it was made, for the order.
    made: float

    @property
    def name(self) -> str:
        """Its name."""
        return self.state.manifest.name

    def score(self, name: str) -> float | None:
        """One of the scores of its manifest."""
        return self.state.manifest.scores.get(name)


def adapter_views(workbench: Workbench, reference: str) -> list[AdapterView]:
    """Read the adapters of a corpus, the newest first and the shipped ones last."""
    found = []
    for state in workbench.adapter_states(reference):
        made = 0.0 if state.shipped else (state.folder / "manifest.json").stat().st_mtime
        questions = _questions(workbench.state / "runs", state.manifest.run)
        found.append(AdapterView(state, questions, workbench.forgetting_of(state), made))
    return sorted(found, key=lambda one: -one.made)


def adapters_table(views: Sequence[AdapterView]) -> str:
    """Make the table of the adapters, with what speaks against each."""
    if not views:
        return _section("Adapters", "<p>There is no adapter yet: train one above.</p>")
    rows = "".join(_adapter_row(view) for view in views)
    heads = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Adapter", "Answered right", "Word for word", "Loss", "Trained", "Size")
    )
    note = (
        "<p class='soft'>Scores are of the validation questions that chose its weights, so they "
        "are rather too high; the Benchmark's test split judges. In brackets: 95 % interval.</p>"
    )
    return _section(
        "Adapters",
        f'<div class="scroll" tabindex="0"><table class="figures-table"><thead><tr>{heads}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div>{note}",
    )


def comparison(views: Sequence[AdapterView]) -> str:
    """Hold the newest adapter against the one before it; empty where there is only one."""
    if len(views) < 2:
        return ""
    new, former = views[0], views[1]
    rows = [
        (
            "Validation, answered right",
            *(_share(one, "validation_accuracy") for one in (new, former)),
        ),
        ("Validation, word for word", *(_share(one, "validation_exact") for one in (new, former))),
        ("Validation loss", _loss(new, "validation_loss"), _loss(former, "validation_loss")),
        ("Training loss", _loss(new, "train_loss"), _loss(former, "train_loss")),
        ("General answers lost", _lost(new.forgot), _lost(former.forgot)),
        ("Recipe", _recipe(new), _recipe(former)),
        ("Training time", _time(new), _time(former)),
    ]
    body = "".join(
        f'<tr><th scope="row">{name}</th><td>{this}</td><td>{other}</td></tr>'
        for name, this, other in rows
    )
    return _section(
        "The newest against the one before",
        f'<p class="reading">{escape(verdict(new, former))}</p><div class="scroll" tabindex="0">'
        f'<table class="figures-table"><thead><tr><th scope="col">Measured</th><th scope="col">'
        f'{escape(new.name)}</th><th scope="col">{escape(former.name)}</th></tr></thead><tbody>'
        f"{body}</tbody></table></div>",
    )


def verdict(new: AdapterView, former: AdapterView) -> str:
    """Say whether the newest is better, as far as validation can tell."""
    made, before = new.state.manifest, former.state.manifest
    if made.base_fingerprint != before.base_fingerprint:
        return "They were trained on different base models, so their scores do not compare."
    if made.corpus_fingerprint != before.corpus_fingerprint:
        return (
            "The corpus changed between the two, so they were scored on different questions: "
            "judge them by a run of the Benchmark."
        )
    key = next(
        (
            name
            for name in ("validation_accuracy", "validation_exact")
            if new.score(name) is not None and former.score(name) is not None
        ),
        None,
    )
    if key is None:
        return "One of the two was not validated, so they cannot be compared."
    this, other = new.score(key) or 0.0, former.score(key) or 0.0
    words = "answered right" if key == "validation_accuracy" else "word for word"
    told = f"{new.name} scores {this:.2f} and {former.name} {other:.2f} ({words})"
    if this == other:
        return f"{told}: no difference."
    n = new.questions or former.questions
    if not n:
        return f"{told}; how many questions that is of is not known, so it may be chance."
    low, high = wilson(this, n)
    if low <= other <= high:
        return (
            f"{told}; the difference lies within the interval of {n} questions: it may be chance."
        )
    better = new.name if this > other else former.name
    return f"{told} of {n} questions: {better} is better beyond chance on these questions."


def forgetting_table(views: Sequence[AdapterView]) -> str:
    """Make the table of what each adapter lost of what the base knew."""
    if not views:
        return ""
    rows = "".join(_forgetting_row(view) for view in views)
    heads = "".join(
        f'<th scope="col">{name}</th>'
        for name in (
            "Adapter",
            "Base answered",
            "Fine-tuned answers",
            "Lost",
            "Gained",
            "Plain-text loss",
        )
    )
    told = [view.forgot.told() for view in views if view.forgot and view.state.active]
    read = f'<p class="reading">{escape(told[0])}</p>' if told else ""
    return _section(
        "Forgetting, before and after",
        f"{read}<div class='scroll' tabindex='0'><table class='figures-table'><thead><tr>{heads}"
        f"</tr></thead><tbody>{rows}</tbody></table></div><p class='soft'>General questions and "
        "plain text that have nothing to do with the corpus, before and after fine-tuning. In "
        "brackets: 95 % interval; plain-text loss in nats a token, more is worse.</p>",
    )


def picture(views: Sequence[AdapterView]) -> str:
    """Show the curve that lies beside the active adapter, or say that none does."""
    active = next((view for view in views if view.state.active), None)
    if active is None:
        return ""
    path = active.state.folder / _PICTURE
    name = escape(active.name)
    if not path.is_file():
        made = active.state.manifest
        return (
            f'<p class="train none">The curve of the adapter {name} is not kept beside it; its '
            f"figures are: {made.rows} rows, {made.steps} steps, {time_words(made.seconds)}, "
            f"training loss {_loss(active, 'train_loss')}, "
            f"validation loss {_loss(active, 'validation_loss')}.</p>"
        )
    return svg_image(path, f"Curve of the adapter {active.name}")


def svg_image(path: Path, words: str) -> str:
    """Show an SVG file as a picture, in which no script runs."""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img class="train plate" src="data:image/svg+xml;base64,{data}" alt="{escape(words)}">'


def _adapter_row(view: AdapterView) -> str:
    made, state = view.state.manifest, view.state
    tags = '<span class="pill note">★ answers</span> ' if state.active else ""
    tags += '<span class="pill plain">shipped</span>' if state.shipped else ""
    marks = "".join(f'<p class="mark">! {escape(mark)}</p>' for mark in state.marks)
    if made.stopped:
        marks += f'<p class="mark">! {escape(made.stopped.capitalize())}.</p>'
    reading = f'<p class="soft">{escape(made.reading)}</p>' if made.reading else ""
    return (
        f'<tr data-adapter="{escape(made.name)}"><th scope="row">{escape(made.name)} {tags}{marks}'
        f"{reading}</th><td>{_share(view, 'validation_accuracy')}</td>"
        f"<td>{_share(view, 'validation_exact')}</td><td>{_loss(view, 'validation_loss')}</td>"
        f'<td class="words">{_recipe(view)}; {made.rows} rows, {made.steps} steps, {_time(view)}'
        f"</td><td>{state.size / 1e6:.1f} MB</td></tr>"
    )


def _forgetting_row(view: AdapterView) -> str:
    name, forgot = escape(view.name), view.forgot
    if forgot is None:
        return (
            f'<tr data-adapter="{name}"><th scope="row">{name}</th><td colspan="5" class="words">'
            "not measured yet of these weights</td></tr>"
        )
    before, after, change = forgot.accuracy_before, forgot.accuracy_after, forgot.loss_change
    text = (
        _NONE
        if change is None
        else f"{change.value:+.3f} <small>[{change.low:+.3f}, {change.high:+.3f}]</small>"
    )
    return (
        f'<tr data-adapter="{name}"><th scope="row">{name}</th>'
        f"<td>{before.value:.2f} <small>[{before.low:.2f}, {before.high:.2f}]</small></td>"
        f"<td>{after.value:.2f} <small>[{after.low:.2f}, {after.high:.2f}]</small></td>"
        f"<td>{forgot.lost} of {forgot.base_right}</td><td>{forgot.gained}</td><td>{text}</td></tr>"
    )


def _share(view: AdapterView, key: str) -> str:
    value = view.score(key)
    if value is None:
        return _NONE
    if not view.questions:
        return f"{value:.2f}"
    low, high = wilson(value, view.questions)
    return f"{value:.2f} <small>[{low:.2f}, {high:.2f}]</small>"


def _loss(view: AdapterView, key: str) -> str:
    value = view.score(key)
    return _NONE if value is None else f"{value:.2f}"


def _lost(forgot: Forgetting | None) -> str:
    return "not measured" if forgot is None else f"{forgot.lost} of {forgot.base_right}"


def _recipe(view: AdapterView) -> str:
    return escape(recipe_words(view.state.manifest.recipe))


def _time(view: AdapterView) -> str:
    return time_words(view.state.manifest.seconds)


def _questions(runs: Path, run: str) -> int:
    """How many validation questions a run asked at each validation; 0 where it is gone."""
    if not run:
        return 0
    try:
        return min(MOST_ASKED, RunFolder(runs / run).record().validation_rows)
    except TrainingError:
        return 0


def _section(title: str, body: str) -> str:
    return f'<section class="train"><h3>{title}</h3>{body}</section>'
