"""A change test under way: asks what has no answer yet, and takes over what no step changes."""

from collections.abc import Callable, Sequence

from core.corpus.revisions import Revision
from core.records import Answer, ArmName, BatchAnswerer, NoAnswer
from eval.change import (
    ChangedQuestion,
    ChangeQuestions,
    ChangeResult,
    Counts,
    Stage,
    Step,
    arm_change,
    change_examples,
)
from eval.change_files import ChangeFolder, read_change_answers

_WORDS: dict[Stage, str] = {
    "before": "before the change",
    "after_sync": "after the sync",
    "after_retrain": "after retraining",
}


class ChangeRun:
    """The questions of one change test and the answers so far."""

    def __init__(
        self,
        revision: Revision,
        questions: ChangeQuestions,
        folder: ChangeFolder,
        *,
        arms: Sequence[ArmName],
        batch: int,
        report: Callable[[str], None],
    ) -> None:
        """Go on from what the folder holds.

        :param batch: questions asked at once; fixed, as an answer may depend on its batch.
        :param report: is told of the progress, a line at a time.
        """
        self.revision, self.questions, self.folder = revision, questions, folder
        self.arms, self._batch, self.report = tuple(arms), batch, report
        #: What was answered, and what could not be: that is not asked again.
        self._answers = read_change_answers(folder.path)
        self._carried: dict[tuple[Stage, ArmName, str], Answer] = {}

    def carry(self, stage: Stage, arms: Sequence[ArmName], *, since: Stage) -> None:
        """Take over the answers of arms that a step changed nothing of.

        The same weights would be given the same prompt and say the same. A question that the
        revision words otherwise is another prompt: it is asked.
        """
        known = {**self._carried, **self._answers}
        for arm in arms:
            for one in self.questions.asked:
                earlier = known.get((since, arm, one.id))
                if isinstance(earlier, Answer) and one.at(since).question == one.at(stage).question:
                    self._carried[stage, arm, one.id] = earlier

    def ask(self, stage: Stage, answerer: BatchAnswerer) -> None:
        """Ask what has no answer yet; a question that fails is kept as failed, with the reason.

        Batches are the same however often the test was broken off: one that was cut is asked
        again whole, and what was kept of it stays.
        """
        for arm in self.arms:
            asked = [
                one for one in self.questions.asked if (stage, arm, one.id) not in self._carried
            ]
            for first in range(0, len(asked), self._batch):
                batch = asked[first : first + self._batch]
                if any((stage, arm, one.id) not in self._answers for one in batch):
                    self._ask(stage, arm, batch, answerer)
                    done = first + len(batch)
                    self.report(f"{_WORDS[stage]}, {arm}: {done}/{len(asked)} questions")

    def _ask(
        self, stage: Stage, arm: ArmName, batch: Sequence[ChangedQuestion], answerer: BatchAnswerer
    ) -> None:
        made = answerer.answer_batch([one.at(stage).question for one in batch], arm)
        for one, answer in zip(batch, made, strict=True):
            key = (stage, arm, one.id)
            if key not in self._answers:
                self.folder.add(*key, answer)
                self._answers[key] = answer

    def result(self, timeline: Sequence[Step], *, seed: int) -> ChangeResult:
        """Score what was answered.

        :param seed: of the intervals and of the examples' draw.
        """
        revision, questions = self.revision, self.questions
        answers, failed = dict(self._carried), {arm: set[str]() for arm in self.arms}
        for (stage, arm, name), one in self._answers.items():
            if isinstance(one, NoAnswer):
                failed[arm].add(name)
            else:
                answers[stage, arm, name] = one
        return ChangeResult(
            corpus=revision.before.name,
            revision=revision.name,
            title=revision.info.title or revision.name,
            counts=Counts(
                changed_documents=len(revision.changed_documents),
                new_documents=len(revision.new_documents),
                withdrawn=len(revision.info.withdrawn),
                changed_questions=questions.all_changed,
                unchanged_questions=questions.all_unchanged,
            ),
            timeline=tuple(timeline),
            arms={
                arm: arm_change(arm, questions.without(failed[arm]), answers, seed=seed)
                for arm in self.arms
            },
            examples=change_examples(self.arms, questions, answers, seed=seed),
            asked=self.folder.asked,
        )
