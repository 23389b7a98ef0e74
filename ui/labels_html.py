"""Questions and their evidence as HTML, for the label editor."""

from collections.abc import Mapping, Sequence
from html import escape

from core.corpus.findings import Finding
from core.corpus.question_edits import MergedQuestions
from core.records import Question
from ui.documents_html import counted

#: Rows of the table, and findings of the check; more are counted.
ROWS, FINDINGS = 60, 12
KINDS = {
    "fact": "fact", "procedure": "procedure", "multi_hop": "multi-hop",
    "unanswerable": "unanswerable", "refusal": "refusal",
}  # fmt: skip
_SIGNS = {"error": "✗ error", "warning": "! warning", "note": "· note"}


def questions_table(
    questions: Sequence[Question], wanted: str, split: str, *, chosen: str = ""
) -> str:
    """List the questions of a split whose words, answers or id hold the wanted words."""
    words = wanted.casefold().split()
    fitting = [
        one
        for one in questions
        if split in ("", one.split)
        and all(word in " ".join((one.id, one.question, *one.answers)).casefold() for word in words)
    ]
    if not fitting:
        why = "No question has these words." if questions else "There are no questions yet."
        return f'<div class="docs"><p class="nothing">{why}</p></div>'
    rows = "".join(_row(one, chosen == one.id) for one in fitting[:ROWS])
    more = len(fitting) - ROWS
    rest = f'<p class="hint">and {more} more: type a few words above.</p>' if more > 0 else ""
    return (
        '<div class="docs"><div class="wide" tabindex="0" role="region" aria-label="Questions">'
        '<table><thead><tr><th scope="col">Question</th><th scope="col">Answer</th>'
        '<th scope="col">Kind</th><th scope="col">Split</th><th scope="col" class="n">Evidence</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div>{rest}</div>"
    )


def _row(question: Question, chosen: bool) -> str:
    answer = question.answers[0] if question.answers else "–"
    more = f" <small>+{len(question.answers) - 1}</small>" if len(question.answers) > 1 else ""
    return (
        f'<tr{" class=chosen" if chosen else ""}><td><button type="button"'
        f' data-pick="{escape(question.id)}" aria-pressed="{"true" if chosen else "false"}">'
        f"{escape(question.question)}</button></td><td>{escape(answer)}{more}</td>"
        f"<td>{KINDS[question.kind]}</td><td>{question.split or 'by fact'}</td>"
        f'<td class="n">{len(question.evidence)}</td></tr>'
    )


def evidence_list(evidence: Sequence[Mapping[str, str]]) -> str:
    """Show the words that an answer rests on, with their documents."""
    if not evidence:
        return '<div class="docs"><p class="hint">No evidence picked yet.</p></div>'
    items = "".join(
        f"<li><b>{escape(one['document'])}</b><q>{escape(one['quote'])}</q></li>"
        for one in evidence
    )
    return f'<div class="docs evidence-list"><ul>{items}</ul></div>'


def merged(report: MergedQuestions, findings: Sequence[Finding]) -> str:
    """Show what an import did, and what the check then says of the whole corpus."""
    counts = {
        "added": report.added, "updated": report.updated,
        "unchanged": report.unchanged, "removed": report.removed,
    }  # fmt: skip
    return counted(counts, "Questions of the file.", report.skipped) + checked(findings)


def checked(findings: Sequence[Finding]) -> str:
    """Show what the check found, worst first."""
    if not findings:
        return (
            '<div class="docs"><p class="done" role="status">✓ The check found nothing wrong.</p>'
            "</div>"
        )
    items = "".join(
        f'<li class="{one.severity}"><b>{_SIGNS[one.severity]}</b> {escape(one.place)}: '
        f"{escape(one.message)} <span>{escape(one.fix)}</span></li>"
        for one in findings[:FINDINGS]
    )
    more = len(findings) - FINDINGS
    rest = f'<p class="hint">and {more} more findings.</p>' if more > 0 else ""
    return (
        f'<div class="docs findings" role="status"><h3>The check says</h3><ul>{items}</ul>{rest}'
        "</div>"
    )
