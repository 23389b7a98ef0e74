"""The answers side by side: one pane an arm, with its scores, times and provenance."""

from collections.abc import Sequence
from html import escape

from core.corpus.read import is_built_in
from core.records import Answer, ArmName, Question
from eval.results import score_answer
from rag.citations import Alignment
from ui.ask_link import link
from ui.ask_state import Asked
from ui.markup import aloud, marked

TITLES: dict[ArmName, tuple[str, str]] = {
    "base": ("Base", "the model as it came, from memory"),
    "sft": ("SFT", "fine-tuned on the questions, from memory"),
    "rag": ("RAG", "the model as it came, with the documents open"),
    "sft+rag": ("SFT + RAG", "fine-tuned, with the documents open"),
}

_PHASES = {
    "waiting": "Waiting for its turn: all visitors share one model.",
    "preparing": "Getting the model and the documents ready …",
}
#: Copies an answer or the link; where the browser keeps the clipboard from a page, the old way.
COPY_JS = """
element.addEventListener('click', async (event) => {
  const button = event.target.closest('button[data-copy], button[data-link]');
  if (!button) return;
  const text = button.dataset.copy ?? new URL(button.dataset.link, location.href).href;
  let copied = true;
  try { await navigator.clipboard.writeText(text); } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    copied = document.execCommand('copy');
    area.remove();
  }
  button.dataset.words ??= button.textContent;
  button.textContent = copied ? 'Copied' : 'Not allowed here';
  setTimeout(() => { button.textContent = button.dataset.words; }, 1500);
});
"""


def panes(arms: Sequence[ArmName], asked: Asked | None) -> str:
    """Render the panes of these arms, before, while and after they answer."""
    return (
        f'<div class="panes panes-{len(arms)}">'
        + "".join(_pane(arm, asked) for arm in arms)
        + "</div>"
        + aloud(_answered(arms, asked))
        + (_below(asked) if asked else "")
    )


def _answered(arms: Sequence[ArmName], asked: Asked | None) -> str:
    """Who has answered and who cannot: said aloud in place of every word as it comes."""
    if asked is None:
        return ""
    told = [
        f"{TITLES[arm][0]} {'cannot answer' if arm in asked.reasons else 'has answered'}."
        for arm in arms
        if arm in asked.reasons or arm in asked.answers
    ]
    return " ".join(told)


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
            body = _finished(answer, asked)
            foot = _scores(answer, asked) + _made(answer, asked) + _figures(answer, asked.forgotten)
        elif asked.phase == "answering":
            state = "answering"
            text = escape(asked.texts.get(arm, ""))
            body = f'<p class="answer">{text}<span class="cursor" aria-hidden="true"></span></p>'
        else:
            state = asked.phase
            body = f'<p class="waiting">{_PHASES[asked.phase]}</p>'
    name = arm.replace("+", "-")
    return (
        f'<section class="pane {name}" data-arm="{arm}" data-state="{state}" '
        f'aria-label="{escape(title)}: {escape(line)}">'
        f"<header><h3>{escape(title)}</h3><p>{escape(line)}</p></header>{body}{foot}</section>"
    )


def _finished(answer: Answer, asked: Asked) -> str:
    taken = Alignment(answer.citations, answer.unsupported)
    if answer.arm == "sft" and asked.held is not None:
        taken = asked.held.alignment
    # The words found in the documents are underlined here and highlighted in the evidence.
    cited = [(one.answer_start, one.answer_end, "cited") for one in taken.citations]
    doubted = [(start, end, "unsupported") for start, end in _doubted(taken)]
    text = marked(answer.text, [*cited, *doubted], inside=("cited", "unsupported"))
    why = f'<p class="doubt">{escape(answer.withheld)}</p>' if answer.withheld else ""
    if doubted and not why:
        why = '<p class="doubt">What is dotted stands in no passage that was found.</p>'
    return f'<p class="answer">{text or "<em>(an empty answer)</em>"}</p>{why}'


def _doubted(taken: Alignment) -> list[tuple[int, int]]:
    """The words of unsupported sentences that stand nowhere; all, where each stands somewhere."""
    found = []
    for sentence in taken.unsupported:
        left, at = [], sentence.start
        for one in sorted(taken.citations, key=lambda one: one.answer_start):
            if sentence.start <= one.answer_start and one.answer_end <= sentence.end:
                left.append((at, one.answer_start))
                at = one.answer_end
        left.append((at, sentence.end))
        # A blank or a full stop between two runs is no word.
        told = [(start, end) for start, end in left if end - start > 1]
        found += told or [(sentence.start, sentence.end)]
    return found


def _made(answer: Answer, asked: Asked) -> str:
    """Badges of what made the answer, and of what is to be known before it is believed."""
    made = answer.provenance
    badges = []
    if asked.asking.variation is not None:
        badges.append(_badge(f"settings: {asked.asking.variation}", "asked again with these"))
    if made.adapter:
        badges.append(_badge(f"adapter {made.adapter}", "the fine-tuned weights that answered"))
        if asked.trained:
            words = "The question stands in the training set, so this answer may be by heart."
            badges.append(_badge("this wording was trained on", words, kind="note"))
        if asked.stale:
            badges.append(_badge("⚠ stale adapter", " ".join(asked.stale), kind="note"))
    if made.index:
        badges.append(_badge(f"index {made.index}", "the documents as they were indexed"))
    if answer.abstained:
        why = answer.withheld or "The answer says that it does not know."
        badges.append(_badge("abstained", why, kind="note"))
    copy = (
        f'<button type="button" class="copy" data-copy="{escape(answer.text)}" '
        f'aria-label="Copy the answer of {TITLES[_arm(answer)][0]}">Copy</button>'
    )
    warning = ""
    if made.adapter and asked.stale:
        warning = f'<p class="doubt">{escape(" ".join(asked.stale))}</p>'
    return f'<p class="made">{"".join(badges)}{copy}</p>{warning}'


def _arm(answer: Answer) -> ArmName:
    return next(arm for arm in TITLES if arm == answer.arm)


def _badge(words: str, meaning: str, *, kind: str = "plain") -> str:
    return f'<span class="badge {kind}" title="{escape(meaning)}">{escape(words)}</span>'


def _scores(answer: Answer, asked: Asked) -> str:
    if asked.reference is None:
        return ""
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


def _below(asked: Asked) -> str:
    if not is_built_in(asked.asking.domain):
        # A corpus of one's own is on this machine, and perhaps for this visit only.
        return f'<div class="below">{_reference(asked)}</div>'
    address = escape(link(asked.asking))
    return (
        f'<div class="below">{_reference(asked)}<p class="tools">'
        f'<a href="{address}" target="_blank" rel="noopener">Link to this question</a> '
        f'<button type="button" class="copy" data-link="{address}">Copy link</button></p></div>'
    )


def _reference(asked: Asked) -> str:
    question = asked.reference
    if question is None:
        words = (
            "This is not one of the corpus's own questions: there is no reference to score by, "
            "unless you type one."
        )
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
