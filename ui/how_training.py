"""The four steps of learning a question, drawn with its real row, run and adapter."""

from collections.abc import Sequence
from html import escape

from sft.manifest import AdapterManifest
from ui.how_looking import Lesson
from ui.how_step import Step, track
from ui.how_tokens import token_strip

_STEPS = (
    (
        "A labelled question becomes a row",
        "A row is a prompt and the answer it should get. The model is shown all of it, but only "
        "the answer is supervised: what it is asked is not what it should learn to say.",
    ),
    (
        "The loss goes down",
        "For every supervised token the model says how likely it thinks it. The loss is how "
        "surprised it is; each step moves the trained numbers a little so that it is less so. Too "
        "long, and it learns its rows by heart (overfitting) or loses what it knew before "
        "(catastrophic forgetting).",
    ),
    (
        "The adapter is added to the weights",
        "The model's own weights W stay as they are. LoRA trains two thin matrices A and B beside "
        "each of many W, and answers with W plus their product.",
    ),
    (
        "It answers from memory",
        "The fine-tuned model is asked the question alone, with no document before it. What it "
        "says is what it has learnt; what was never trained it can only guess. Let both answer, "
        "below.",
    ),
)


def training_track(shown: Lesson | str | None) -> str:
    """Draw the steps; without a question the words alone, and a sentence where it cannot be."""
    figures: Sequence[str] = ("",) * 4
    if isinstance(shown, Lesson):
        figures = (_row(shown), _loss(shown), _added(shown), _asked(shown))
    steps = [Step(*words, figure) for words, figure in zip(_STEPS, figures, strict=True)]
    why = shown if isinstance(shown, str) else ""
    return track(
        "sft", "Learn it", "SFT: everything is learnt, nothing is looked up", steps, why=why
    )


def _row(shown: Lesson) -> str:
    learnt = sum(token.part == "learnt" for token in shown.tokens)
    return (
        f'<p class="note">{escape(shown.why)}</p>'
        f"<blockquote><b>Question:</b> {escape(shown.question.question)}<br>"
        f"<b>Answer:</b> {escape(shown.answer)}</blockquote>{token_strip(shown.tokens)}"
        f'<p class="note">{len(shown.tokens)} tokens, {learnt} of them supervised; the last of '
        "these ends the answer, so that the model learns to stop.</p>"
    )


def _loss(shown: Lesson) -> str:
    if shown.adapter is None:
        return '<p class="note">Nothing has been trained on this domain yet.</p>'
    drawn = _curve(shown.curve)
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in _run_facts(shown.adapter.manifest)
    )
    reading = shown.adapter.manifest.reading
    return (
        f'{drawn}<dl class="facts">{facts}</dl>'
        + (f'<p class="note">{escape(reading)}</p>' if reading else "")
        + '<p class="note">How much more likely this row\'s own answer became is measured when '
        "you let both answer, below.</p>"
    )


def _run_facts(made: AdapterManifest) -> list[tuple[str, str]]:
    scores = made.scores
    found = [
        ("rows", f"{made.rows:,}"),
        ("epochs at most", str(made.recipe.epochs)),
        ("steps", f"{made.steps:,}"),
        ("trained for", f"{made.seconds / 60:.0f} min"),
    ]
    if "train_loss" in scores:
        found.append(("mean loss while training", f"{scores['train_loss']:.2f}"))
    if "validation_loss" in scores:
        found.append(("loss on held-back questions", f"{scores['validation_loss']:.2f}"))
    share = scores.get("validation_accuracy", scores.get("validation_exact"))
    if share is not None:
        words = "right" if "validation_accuracy" in scores else "word for word"
        found.append((f"held-back questions answered {words}", f"{share:.0%}"))
    return found


def _curve(rows: Sequence[dict[str, float]]) -> str:
    """The losses over the steps, where the run was made here; nothing without one."""
    trained = [(row["step"], row["loss"]) for row in rows if "loss" in row]
    held_back = [(row["step"], row["eval_loss"]) for row in rows if "eval_loss" in row]
    if len(trained) < 2:
        return ""
    every = [*trained, *held_back]
    last, most = max(step for step, _ in every), max(loss for _, loss in every) or 1.0

    def line(points: Sequence[tuple[float, float]], name: str) -> str:
        places = " ".join(
            f"{400 * step / last:.1f},{96 - 92 * loss / most:.1f}" for step, loss in points
        )
        return f'<polyline class="{name}" points="{places}"/>'

    return (
        '<svg class="curve" viewBox="0 0 400 100" role="img" '
        f'aria-label="Loss over {last:.0f} steps, from {trained[0][1]:.2f} to '
        f'{trained[-1][1]:.2f}">{line(trained, "trained")}{line(held_back, "held")}</svg>'
        f'<p class="note">Loss over {last:.0f} steps, from {trained[0][1]:.2f} to '
        f"{trained[-1][1]:.2f} on the trained rows (line) and on held-back questions (dashes).</p>"
    )


def _added(shown: Lesson) -> str:
    added = shown.added
    if shown.adapter is None:
        return '<p class="note">There is no adapter yet: train one.</p>'
    if added is None:
        return (
            '<p class="note">This one has no pairs of matrices beside the weights: its weights '
            "were trained themselves.</p>"
        )
    rows, columns = added.shape
    full, thin = rows * columns, added.rank * (rows + columns)
    share = (
        f" Here the product is {added.share:.0%} as large as W itself."
        if added.share is not None
        else ""
    )
    return (
        f'<div class="sum" role="img" aria-label="W plus {added.factor:g} times B times A">'
        f"{_matrix('W', rows, columns, 'whole')}<span>+ {added.factor:g} ×</span>"
        f"{_matrix('B', rows, added.rank, 'tall')}<span>×</span>"
        f"{_matrix('A', added.rank, columns, 'wide')}</div>"
        f'<p class="note">For example <code>{escape(added.name)}</code>: W holds {full:,} numbers '
        f"that stay, B and A together {thin:,} that are trained.{share} The adapter "
        f"<b>{escape(shown.adapter.manifest.name)}</b> has {added.pairs} such pairs, "
        f"{added.numbers:,} numbers in all.</p>"
    )


def _matrix(name: str, rows: int, columns: int, shape: str) -> str:
    return (
        f'<span class="matrix"><i class="{shape}">{name}</i>'
        f'<small class="number">{rows} × {columns}</small></span>'
    )


def _asked(shown: Lesson) -> str:
    if shown.adapter is None:
        return '<p class="note">Without training the model can only say what it knew before.</p>'
    return (
        '<p class="note">The question is put in a prompt made like that of the row above, up to '
        "where the answer begins. What follows comes out of the weights.</p>"
    )
