"""Parts of a report that only some runs have: the change test, and forgetting."""

from collections.abc import Mapping
from typing import Any

from eval.forgetting import Forgetting
from eval.report_data import Run
from eval.report_html import (
    NOTHING,
    TITLES,
    Html,
    Level,
    arm,
    arm_class,
    join,
    measured,
    numbers,
    paragraph,
    plural,
    quoted,
    table,
    text,
    words,
)
from eval.report_picture import timeline

_STEPS = {
    "sync": ("sync of the index", "rag"),
    "retrain": ("training again", "sft"),
    "train_before": ("the first training, for comparison", "base"),
}
_WHEN = (
    ("before", "before the change"),
    ("after_sync", "after the sync"),
    ("after_retrain", "after training again"),
)
_EXAMPLES = 4


def change(run: Run, level: Level) -> Html:
    """The world changes: what each way to follow it takes, and what each arm then answers."""
    found = run.change
    arms = found.get("arms") or {}
    if not arms:
        return NOTHING
    counts = found.get("counts") or {}
    told = ", ".join(
        f"{value:,} {name.replace('_', ' ')}" for name, value in counts.items() if value is not None
    )
    lead = (
        f"The corpus is replaced by its revision “{found.get('title') or found.get('revision')}”"
        f"{f' ({told})' if told else ''}. Open-book arms follow when the index is synced; a "
        "fine-tuned arm keeps what it learnt until it is trained again."
    )
    changed, unchanged = (_most(arms, key) for key in ("n_changed", "n_unchanged"))
    if changed:
        lead += f" Asked were {changed:,} changed and {unchanged:,} unchanged questions."
    parts = [paragraph(lead, css="lead"), _timeline(found, level)]
    parts += [
        table(
            title,
            [*words("arm"), *numbers(*(told for _, told in _WHEN))],
            [
                [
                    arm(name),
                    *(measured(one.get(which, {}).get(when), track=True) for when, _ in _WHEN),
                ]
                for name, one in arms.items()
            ],
        )
        for which, title in (
            (
                "changed",
                "Accuracy on the questions whose answer changed, each time by what was right then",
            ),
            ("unchanged", "Accuracy on the questions whose answer stayed"),
        )
        if any(one.get(which) for one in arms.values())
    ]
    parts += [_old_answers(arms), _change_examples(found, level)]
    return Html(
        f'<section id="{level.name("change")}">{level.heading("When the world changes")}'
        f"{join(parts)}</section>"
    )


def _most(arms: Mapping[str, Mapping[str, Any]], key: str) -> int:
    return max((int(one.get(key) or 0) for one in arms.values()), default=0)


def _timeline(found: Mapping[str, Any], level: Level) -> Html:
    timed = [one for one in found.get("timeline") or () if one.get("seconds") is not None]
    steps = [
        (*_STEPS.get(one["step"], (str(one["step"]), "base")), float(one["seconds"]))
        for one in timed
    ]
    drawn = timeline(steps, name=level.name("timeline"))
    if not drawn:
        return NOTHING
    # In words below the bars: a label as long as this would be cut.
    done = "; ".join(_done(one) for one in timed if one.get("what"))
    caption = "What each step took, on one scale"
    caption += f": {done}." if done else "."
    return Html(f"<figure>{drawn}<figcaption>{text(caption)}</figcaption></figure>")


def _done(step: Mapping[str, Any]) -> str:
    recipe = step.get("recipe") or {}
    told = ", ".join(f"{name} {value}" for name, value in recipe.items())
    return f"{step['what']}{f', by the default recipe but {told}' if told else ''}"


def _old_answers(arms: Mapping[str, Mapping[str, Any]]) -> Html:
    when = [(key, told) for key, told in _WHEN if any(_old(one, key) for one in arms.values())]
    if not when:
        return NOTHING
    return table(
        "Share of the changed questions still answered with the old fact",
        [*words("arm"), *numbers(*(told for _, told in when))],
        [[arm(name), *(measured(_old(one, key)) for key, _ in when)] for name, one in arms.items()],
    )


def _old(one: Mapping[str, Any], when: str) -> dict[str, Any] | None:
    """A share as H4's record keeps it, with or without its interval."""
    found = (one.get("old_answers") or {}).get(when)
    return {"value": found} if isinstance(found, int | float) else found


def _change_examples(found: Mapping[str, Any], level: Level) -> Html:
    cards = []
    rank = min(6, level.rank + 2)
    for one in (found.get("examples") or ())[:_EXAMPLES]:
        answers = join(
            Html(f'<li class="{arm_class(name)}"><p class="head">{arm(name)}</p>{_said(said)}</li>')
            for name, said in (one.get("answers") or {}).items()
        )
        cards.append(
            Html(
                f'<article class="example"><h{rank} dir="auto">{text(one.get("question", ""))}'
                f"</h{rank}><dl><dt>before</dt><dd>{quoted(_words(one.get('old')), css='')}</dd>"
                f"<dt>now</dt><dd>{quoted(_words(one.get('new')), css='')}</dd></dl>"
                f'<ul class="answers">{answers}</ul></article>'
            )
        )
    if not cards:
        return NOTHING
    return join([level.heading("Changed answers, side by side", below=1), *cards])


def _said(said: Mapping[str, Any]) -> Html:
    return join(
        Html(f'<p class="why">{told}</p>{quoted(_words(said[when]), css="said")}')
        for when, told in _WHEN
        if said.get(when) is not None
    )


def _words(found: Any) -> str:
    return " / ".join(map(str, found)) if isinstance(found, list | tuple) else str(found or "")


def forgetting(run: Run, level: Level) -> Html:
    """What the fine-tuned weights lost of what the base model knew."""
    try:
        found = Forgetting.model_validate(run.forgetting)
    except ValueError:
        return NOTHING
    rows = [
        [text("general questions answered right, base"), _figure(found.accuracy_before)],
        [text("the same, fine-tuned"), _figure(found.accuracy_after)],
        [
            text(f"of {plural(found.base_right, 'answer')} that the base had right, lost"),
            _figure(found.lost_share),
        ],
        [text("drift on the base's own answers (KL, nats a token)"), _figure(found.answer_kl)],
    ]
    if found.loss_change is not None:
        rows.append(
            [text("plain text found less likely by (nats a token)"), _figure(found.loss_change)]
        )
    shown = table(
        f"Before and after fine-tuning, on {found.probe}",
        [*words("measured"), *numbers("value (95 %)")],
        rows,
    )
    told = f"{TITLES['sft']} and {TITLES['sft+rag']} answer with the adapter {found.adapter}. "
    return Html(
        f'<section id="{level.name("forgetting")}">{level.heading("What fine-tuning forgot")}'
        f"{paragraph(told + found.told(), css='lead')}{shown}</section>"
    )


def _figure(found: Any) -> Html:
    return measured(found.model_dump())
