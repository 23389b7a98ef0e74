"""What fine-tuning cost in general ability: answers lost, plain text found less likely, drift.

Base and fine-tuned model answer the same general questions in the arms' own prompts and decoding,
closed book, and read the same plain texts. Answers that flip are tested by McNemar's exact test;
the divergence KL(base ‖ tuned) also sees what no answer shows yet.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.corpus.known import KnownFacts
from core.corpus.plain_text import PlainText
from core.corpus.read import Corpus
from core.errors import EvaluationError
from core.likelihood import Likelihoods, answer_stretch, compare_likelihoods, text_stretch
from core.prompts import Form, build_prompt
from core.records import DECLINED_KINDS, Answerer, ArmName, Question, Record
from eval.bootstrap import Interval, interval
from eval.mcnemar import exact_mcnemar, wilson
from eval.scores import accuracy

if TYPE_CHECKING:
    from core.language_model import LanguageModel  # loads torch

#: Called with what is being done, how many of it are done, and how many there are.
Report = Callable[[str, int, int], None]

#: A p below this is called a clear change.
_CLEAR = 0.05


class Figure(Record):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


class Forgetting(Record):
    """What one adapter (or own weights) lost and gained against its base.

    Shares lie in 0..1; losses and divergences are mean nats a token.
    """

    # What was compared, with what

    adapter: str
    adapter_fingerprint: str
    base_model: str
    base_fingerprint: str
    prompt_version: str
    decoding: str
    seed: int
    probe: str
    probe_fingerprint: str

    # Answers

    questions: int
    accuracy_before: Figure
    accuracy_after: Figure
    #: Questions that the base answered right, and what became of them; `gained` are others.
    base_right: int
    lost: int
    gained: int
    #: Of `lost` against `gained`, two-sided exact McNemar.
    p: float
    #: `lost` / `base_right`, with Wilson's interval.
    lost_share: Figure
    lost_questions: tuple[str, ...]
    gained_questions: tuple[str, ...]
    #: Of the questions whose fact the base knew however it was asked; None when nobody asked it.
    known: int | None = None
    known_lost: int | None = None
    #: KL(base ‖ tuned) over the base's own answers.
    answer_kl: Figure

    # Plain text; None where there was none

    texts: int
    tokens: int
    loss_before: float | None = None
    loss_after: float | None = None
    loss_change: Figure | None = None
    text_kl: Figure | None = None

    def short(self) -> str:
        """Say it in a few words, for beside the adapter's name."""
        return f"{self.lost} of {self.base_right} general answers lost"

    def told(self) -> str:
        """Say it in one sentence."""
        if not self.base_right:
            verdict = "it knew nothing that could be lost"
        elif self.p >= _CLEAR:
            verdict = "the balance of the two is not clear"
        elif self.lost > self.gained:
            verdict = "general answers were forgotten"
        else:
            verdict = "more general answers than before"
        p = f"p {self.p:.2f}" if self.p >= 0.01 else f"p {self.p:.1g}"
        text = ""
        if self.loss_change is not None:
            text = f"; plain-text loss {self.loss_change.value:+.3f} nats a token"
        return (
            f"Of {self.base_right} general questions that the base answered, {self.lost} were lost "
            f"and {self.gained} others gained (McNemar {p}): {verdict}{text}."
        )

    def table(self) -> str:
        """Give the figures as a Markdown table."""
        rows = [
            ("general questions answered right, base", _shown(self.accuracy_before)),
            ("the same, fine-tuned", _shown(self.accuracy_after)),
            (f"of {self.base_right} that the base answered, lost", _shown(self.lost_share)),
            ("KL(base ‖ tuned) on the base's answers, nats a token", _shown(self.answer_kl)),
        ]
        if self.known and self.known_lost is not None:
            share = wilson(self.known_lost, self.known)
            rows.insert(3, (f"of {self.known} that it knew in all words, lost", _shown(share)))
        if self.loss_change is not None and self.text_kl is not None:
            rows += [
                ("change of plain-text loss, nats a token", _shown(self.loss_change, "+.3f")),
                ("KL(base ‖ tuned) on plain text, nats a token", _shown(self.text_kl)),
            ]
        lines = [f"| {name} | {value} |" for name, value in rows]
        return "\n".join(["| measured | value (95 %) |", "|---|---|", *lines])


@dataclass(frozen=True)
class Probe:
    """What general ability is measured on."""

    corpus: Corpus
    questions: tuple[Question, ...]
    texts: tuple[PlainText, ...] = ()
    #: What the base model knows of the questions' facts, where it was asked.
    known: KnownFacts | None = None


def general_questions(questions: Sequence[Question]) -> tuple[Question, ...]:
    """Those that have an answer.

    :raises EvaluationError: when there is none.
    """
    answered = tuple(one for one in questions if one.kind not in DECLINED_KINDS)
    if not answered:
        raise EvaluationError("The probe has no question with an answer: nothing can be forgotten.")
    return answered


def ask_probe(answerer: Answerer, probe: Probe, arm: ArmName, *, report: Report) -> dict[str, str]:
    """Ask one arm all questions of the probe: the answers' texts by question id."""
    words = [question.question for question in probe.questions]
    told = f"general questions, {arm}"
    answers = answerer.answer(words, [arm], report=lambda done: report(told, done, len(words)))
    return {
        question.id: answer.text
        for question, [answer] in zip(probe.questions, answers, strict=True)
    }


def measure_forgetting(
    model: "LanguageModel",
    answerer: Answerer,
    probe: Probe,
    *,
    loaded_as: str,
    base_answers: Mapping[str, str],
    form: Form = "chat",
    report: Report = lambda what, done, of: None,
) -> Forgetting:
    """Measure what the fine-tuned arm lost and gained against the base.

    :param answerer: answers by the arms `base` and `sft`.
    :param loaded_as: name of the fine-tuned weights in `model`.
    :param base_answers: the base's answers by question id; see `ask_probe`.
    :param form: how the fine-tuned weights are prompted.
    """
    tuned_answers = ask_probe(answerer, probe, "sft", report=report)
    prompts = [
        build_prompt(one.question, system_prompt=probe.corpus.wording.system_prompt, form=form)
        for one in probe.questions
    ]
    answers = [
        answer_stretch(prompt, base_answers[question.id], model)
        for question, prompt in zip(probe.questions, prompts, strict=True)
    ]
    drift = compare_likelihoods(
        model,
        answers,
        tuned=loaded_as,
        report=lambda done: report("answers compared", done, len(answers)),
    )
    texts = [one for text in probe.texts if (one := text_stretch(text.text, model)) is not None]
    read = compare_likelihoods(
        model,
        texts,
        tuned=loaded_as,
        report=lambda done: report("plain texts read", done, len(texts)),
    )
    made = answerer.provenance("sft")
    return Forgetting.model_validate(
        {
            "adapter": made.adapter or loaded_as,
            "adapter_fingerprint": made.adapter_fingerprint or "",
            "base_model": made.base_model,
            "base_fingerprint": made.base_fingerprint,
            "prompt_version": made.prompt_version,
            "decoding": made.decoding,
            "seed": made.seed,
            "probe": probe.corpus.name,
            "probe_fingerprint": probe.corpus.fingerprint,
            **_flips(probe, base_answers, tuned_answers, seed=made.seed),
            "answer_kl": _token_mean(drift, [one.divergence for one in drift], seed=made.seed),
            **_text_figures(read, seed=made.seed),
        }
    )


def _flips(
    probe: Probe, before: Mapping[str, str], after: Mapping[str, str], *, seed: int
) -> dict[str, object]:
    """Which answers changed sides, and whether by more than chance."""
    asked = probe.questions
    right = {one.id: accuracy(before[one.id], one.answers) >= 1 for one in asked}
    still = {one.id: accuracy(after[one.id], one.answers) >= 1 for one in asked}
    lost = tuple(one.id for one in asked if right[one.id] and not still[one.id])
    gained = tuple(one.id for one in asked if still[one.id] and not right[one.id])
    base_right = sum(right.values())
    figures: dict[str, object] = {
        "questions": len(asked),
        "accuracy_before": _figure(interval([float(one) for one in right.values()], seed=seed)),
        "accuracy_after": _figure(interval([float(one) for one in still.values()], seed=seed)),
        "base_right": base_right,
        "lost": len(lost),
        "gained": len(gained),
        "p": exact_mcnemar(len(lost), len(gained)),
        "lost_share": _figure(wilson(len(lost), base_right)),
        "lost_questions": lost,
        "gained_questions": gained,
    }
    if probe.known is not None:
        known = [one.id for one in asked if probe.known.label(one.fact) == "known"]
        figures["known"] = len(known)
        figures["known_lost"] = sum(name in lost for name in known)
    return figures


def _text_figures(read: Sequence[Likelihoods], *, seed: int) -> dict[str, object]:
    tokens = sum(len(one.base) for one in read)
    if not tokens:
        return {"texts": 0, "tokens": 0}
    change = [[b - a for a, b in zip(one.base, one.tuned, strict=True)] for one in read]
    return {
        "texts": len(read),
        "tokens": tokens,
        "loss_before": sum(sum(one.base) for one in read) / tokens,
        "loss_after": sum(sum(one.tuned) for one in read) / tokens,
        "loss_change": _token_mean(read, change, seed=seed),
        "text_kl": _token_mean(read, [one.divergence for one in read], seed=seed),
    }


def _token_mean(
    read: Sequence[Likelihoods], values: Sequence[Sequence[float]], *, seed: int
) -> Figure:
    """Mean a token; tokens of one text hang together, so whole texts are drawn."""
    clusters = [str(text) for text, one in enumerate(read) for _ in one.base]
    tokens = [value for text in values for value in text]
    return _figure(interval(tokens, clusters=clusters, seed=seed))


def _figure(found: Interval) -> Figure:
    return Figure(value=found.value, low=found.low, high=found.high)


def _shown(figure: Figure | Interval, form: str = ".3f") -> str:
    return f"{figure.value:{form}} ({figure.low:{form}} to {figure.high:{form}})"
