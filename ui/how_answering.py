"""The answers of both ways to the question, and how likely the trained answer has become."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import escape

from core.chat import answer_ids
from core.records import Answer, ArmName
from ui.how_looking import Lesson
from ui.markup import aloud, marked
from workbench import Workbench

_ARMS: tuple[ArmName, ...] = ("rag", "sft")
_TITLES: dict[ArmName, tuple[str, str]] = {
    "rag": ("RAG answers", "the model as it came, with what was found before it"),
    "sft": ("SFT answers", "fine-tuned, from memory"),
}
#: Seconds between two repaints, and the tokens of a trained answer that are shown.
_REPAINT, _SHOWN = 0.08, 24


@dataclass(frozen=True)
class Likelihood:
    """How likely each supervised token of the row is, before training and after."""

    tokens: tuple[str, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]


@dataclass(frozen=True)
class Replies:
    """How far the answers are."""

    texts: Mapping[ArmName, str] = field(default_factory=dict)
    answers: Mapping[ArmName, Answer] = field(default_factory=dict)
    #: Why an arm cannot run.
    reasons: Mapping[ArmName, str] = field(default_factory=dict)
    likelihood: Likelihood | None = None


def replies(
    workbench: Workbench, domain: str, question: str, taught: Lesson | str
) -> Iterator[Replies]:
    """Answer by both arms as their texts grow, then measure the trained answer.

    :raises ProjectError: when neither can be asked.
    """
    now = Replies()
    yield now
    together = workbench.arms(domain)
    reasons = {arm: why for arm, why in together.unavailable().items() if arm in _ARMS}
    now = replace(now, reasons=reasons)
    able = [arm for arm in _ARMS if arm not in reasons]
    texts: dict[ArmName, str] = {}
    answers: dict[ArmName, Answer] = {}
    painted = 0.0
    for delta in together.stream(question, able) if able else ():
        texts[delta.arm] = delta.text
        if delta.answer is not None:
            answers[delta.arm] = delta.answer
        now = replace(now, texts=dict(texts), answers=dict(answers))
        if time.monotonic() - painted > _REPAINT:
            painted = time.monotonic()
            yield now
    yield now
    if "sft" in able and isinstance(taught, Lesson):
        yield replace(now, likelihood=_measured(workbench, taught, together.adapter_of("sft")))


def _measured(workbench: Workbench, taught: Lesson, adapter: str | None) -> Likelihood:
    model, completion = workbench.model(), taught.answer.strip()
    losses = [
        model.token_losses(taught.prompt, completion, adapter=name) for name in (None, adapter)
    ]
    ids = [*answer_ids(completion, model.tokenizer), model.tokenizer.eos_token_id]
    return Likelihood(
        tuple(model.tokenizer.decode([one]) for one in ids),
        tuple(math.exp(-loss) for loss in losses[0]),
        tuple(math.exp(-loss) for loss in losses[1]),
    )


def replies_shown(now: Replies | None) -> str:
    """Draw the two answers, before, while and after they come."""
    panes = "".join(_pane(arm, now) for arm in _ARMS)
    told = [
        f"{arm.upper()} has answered." for arm in _ARMS if now is not None and arm in now.answers
    ]
    return f'<div class="how answers">{panes}</div>' + aloud(" ".join(told))


def _pane(arm: ArmName, now: Replies | None) -> str:
    title, line = _TITLES[arm]
    state, foot = "idle", ""
    body = '<p class="empty">The answer comes when you let both answer.</p>'
    if now is not None:
        answer = now.answers.get(arm)
        if arm in now.reasons:
            state, body = "unavailable", f'<p class="note">{escape(now.reasons[arm])}</p>'
        elif answer is not None:
            state, body = "done", _finished(answer)
        else:
            state = "answering"
            text = escape(now.texts.get(arm, ""))
            body = f'<p class="answer">{text}<span class="cursor" aria-hidden="true"></span></p>'
        if arm == "sft" and now.likelihood is not None:
            foot = _likelihood(now.likelihood)
    return (
        f'<section class="reply {arm}" data-arm="{arm}" data-state="{state}" '
        f'aria-label="{escape(title)}"><header><h3>{escape(title)}</h3><p>{escape(line)}</p>'
        f"</header>{body}{foot}</section>"
    )


def _finished(answer: Answer) -> str:
    cited = [(one.answer_start, one.answer_end, "cited") for one in answer.citations]
    text = marked(answer.text, cited, inside=("cited",)) or "<em>(an empty answer)</em>"
    notes = [answer.withheld] if answer.withheld else []
    if cited:
        notes.append("What is underlined stands in the passages that were found.")
    told = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    return (
        f'<p class="answer">{text}</p>{told}<p class="note number">'
        f"{answer.prompt_tokens} tokens read, {answer.completion_tokens} written, "
        f"{answer.seconds:.2f} s</p>"
    )


def _likelihood(found: Likelihood) -> str:
    rows = "".join(
        f'<tr><th scope="row"><span class="tok learnt">{escape(token) or "∅"}</span></th>'
        f"{_share(before, 'before')}{_share(after, 'after')}</tr>"
        for token, before, after in list(zip(found.tokens, found.before, found.after, strict=True))[
            :_SHOWN
        ]
    )
    before, after = _loss(found.before), _loss(found.after)
    more = len(found.tokens) - _SHOWN
    rest = f" The first {_SHOWN} of {len(found.tokens)} tokens are shown." if more > 0 else ""
    return (
        '<h4>The trained answer, token by token</h4><p class="note">How likely the model thought '
        "each supervised token of the row in step 1, given those before it. The loss of this row "
        f'is <b class="number">{before:.2f}</b> before training and '
        f'<b class="number">{after:.2f}</b> after it.{rest}</p>'
        '<div class="scroll" role="region" aria-label="The trained answer, token by token" '
        'tabindex="0"><table><thead><tr><th scope="col">token</th>'
        '<th scope="col" colspan="2">before</th><th scope="col" colspan="2">after</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _share(value: float, name: str) -> str:
    return (
        f'<td class="bars"><span class="bar {name}" style="width:{100 * value:.0f}%"></span></td>'
        f'<td class="number">{value:.0%}</td>'
    )


def _loss(shares: tuple[float, ...]) -> float:
    """Mean of -log of the shares; a share too small for a float counts as the smallest."""
    return sum(-math.log(max(share, 5e-324)) for share in shares) / len(shares)
