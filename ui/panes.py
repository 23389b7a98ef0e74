"""The answers side by side: one pane an arm, with its scores, times and provenance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from core.records import Answer, ArmName, Question
from eval.results import score_answer
from ui.markup import marked

TITLES: dict[ArmName, tuple[str, str]] = {
    "base": ("Base", "the model as it came, from memory"),
    "sft": ("SFT", "fine-tuned on the questions, from memory"),
    "rag": ("RAG", "the model as it came, with the documents open"),
    "sft+rag": ("SFT + RAG", "fine-tuned, with the documents open"),
}


@dataclass(frozen=True)
class Asked:
    """What the panes show: the question, how far each arm is, and what it is judged by."""

    question: str
    reference: Question | None
    #: What kind of question it is, in words; empty for a visitor's own.
    kind: str
    abstain_text: str
    texts: Mapping[ArmName, str] = field(default_factory=dict)
    answers: Mapping[ArmName, Answer] = field(default_factory=dict)
    #: Why an arm cannot run.
    reasons: Mapping[ArmName, str] = field(default_factory=dict)
    #: What the adapter forgot, in a few words; empty where it was not measured.
    forgotten: str = ""


def panes(arms: Sequence[ArmName], asked: Asked | None) -> str:
    """Render the panes of these arms, before, while and after they answer."""
    return (
        f'<div class="panes panes-{len(arms)}" aria-live="polite">'
        + "".join(_pane(arm, asked) for arm in arms)
        + "</div>"
        + (_reference(asked) if asked else "")
    )


def _pane(arm: ArmName, asked: Asked | None) -> str:
    title, line = TITLES[arm]
    body, foot, state = '<p class="waiting">Ask a question.</p>', "", "idle"
    if asked is not None:
        answer = asked.answers.get(arm)
        if arm in asked.reasons:
            state = "unavailable"
            body = f'<p class="reason">{escape(asked.reasons[arm])}</p>'
        elif answer is not None:
            state = "done"
            body, foot = (
                _finished(answer),
                _scores(answer, asked) + _figures(answer, asked.forgotten),
            )
        else:
            state = "answering"
            text = escape(asked.texts.get(arm, ""))
            body = f'<p class="answer">{text}<span class="cursor" aria-hidden="true"></span></p>'
    name = arm.replace("+", "-")
    return (
        f'<section class="pane {name}" data-arm="{arm}" data-state="{state}" '
        f'aria-label="{escape(title)}: {escape(line)}">'
        f"<header><h3>{escape(title)}</h3><p>{escape(line)}</p></header>{body}{foot}</section>"
    )


def _finished(answer: Answer) -> str:
    # The words found in the documents are underlined here and highlighted in the evidence.
    cited = [(one.answer_start, one.answer_end, "cited") for one in answer.citations]
    # A sentence that nothing found supports is marked as such.
    doubted = [(one.start, one.end, "unsupported") for one in answer.unsupported]
    text = marked(answer.text, [*cited, *doubted], inside=("cited", "unsupported"))
    why = f'<p class="doubt">{escape(answer.withheld)}</p>' if answer.withheld else ""
    if doubted and not why:
        why = '<p class="doubt">What is dotted stands in no passage that was found.</p>'
    return f'<p class="answer">{text or "<em>(an empty answer)</em>"}</p>{why}'


def _scores(answer: Answer, asked: Asked) -> str:
    if asked.reference is None:
        withheld = '<p class="badges"><span class="badge plain">withheld</span></p>'
        return withheld if answer.abstained else ""
    row = score_answer(asked.reference, answer, exposure=None, abstain_text=asked.abstain_text)
    right = row.metrics["accuracy"] >= 1
    words = _verdict(asked.reference, right)
    badge = f'<span class="badge {"right" if right else "wrong"}">{words}</span>'
    shown = "".join(
        f'<span class="score"><abbr title="{meaning}">{label}</abbr> {row.metrics[name]:.2f}</span>'
        for name, label, meaning in (
            ("f1", "F1", "overlap of words with the nearest reference, 0 to 1"),
            ("rougeL", "ROUGE-L", "longest common sequence of words with the reference, 0 to 1"),
            ("bleu", "BLEU", "common word groups with the reference, 0 to 1"),
        )
    )
    return f'<p class="badges">{badge}{shown}</p>'


def _verdict(question: Question, right: bool) -> str:
    mark = "✓ " if right else "✗ "
    if question.kind == "unanswerable":
        return mark + ("withheld, rightly" if right else "answered what no document says")
    if question.kind == "refusal":
        return mark + ("refused, rightly" if right else "should have refused")
    return mark + ("right" if right else "not the reference's answer")


def _figures(answer: Answer, forgotten: str) -> str:
    made = answer.provenance
    cost = f"<span>forgetting: {escape(forgotten)}</span>" if made.adapter and forgotten else ""
    rows = {
        "model": f"{made.base_model} ({made.base_fingerprint[:12]})",
        "adapter": f"{made.adapter} ({(made.adapter_fingerprint or '')[:12]})"
        if made.adapter
        else "none",
        "index": f"{made.index} ({(made.index_fingerprint or '')[:12]})" if made.index else "none",
        "prompt": f"version {made.prompt_version}",
        "decoding": made.decoding,
        "seed": str(made.seed),
    }
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in rows.items())
    return (
        '<p class="figures">'
        f'<span title="from the question to the first word">first word '
        f"{answer.first_token_seconds:.2f} s</span>"
        f"<span>all {answer.seconds:.2f} s</span>"
        f"<span>{answer.prompt_tokens} + {answer.completion_tokens} tokens</span>{cost}</p>"
        f"<details><summary>How this answer was made</summary><dl>{listed}</dl></details>"
    )


def _reference(asked: Asked) -> str:
    question = asked.reference
    if question is None:
        if not asked.answers:
            return ""
        words = "This is not one of the corpus's own questions: there is no reference to score by."
        return f'<p class="reference none">{words}</p>'
    if question.kind == "unanswerable":
        return (
            '<p class="reference"><b>Reference:</b> no document answers this; '
            f"the right answer is to say so. <small>{escape(asked.kind)}</small></p>"
        )
    first, others = question.answers[0], question.answers[1:]
    accepted = f" <small>also accepted: {escape(' · '.join(others))}</small>" if others else ""
    kind = f" <small>({escape(asked.kind)})</small>"
    return f'<p class="reference"><b>Reference:</b> {escape(first)}{accepted}{kind}</p>'
