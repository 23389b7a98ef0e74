"""What the check says of a corpus: a finding has a severity, a place, and the fix."""

from typing import Literal

from core.records import Record

#: error: training or scores would be wrong. warning: likely so. note: good to know.
Severity = Literal["error", "warning", "note"]


class Finding(Record):
    """Something about a corpus that its user should know."""

    severity: Severity
    #: The rule that found it, for filters: one word a rule.
    rule: str
    #: A file with its line, a document, or a question's id.
    place: str
    message: str
    fix: str


SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


def worst_first(findings: list[Finding]) -> list[Finding]:
    """Order findings by severity; those of one severity stay in the order they came."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
