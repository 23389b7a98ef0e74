"""What stands where an arm did not answer."""

import logging

from core.errors import ProjectError
from core.records import AskedName, NoAnswer

_log = logging.getLogger(__name__)


def no_answer(error: Exception, question: str, arm: AskedName) -> NoAnswer:
    """Record a failure; what nobody foresaw is logged with where it happened."""
    expected = isinstance(error, ProjectError)
    if not expected:
        _log.warning("%s did not answer %r", arm, question, exc_info=error)
    reason = " ".join(str(error).split())
    return NoAnswer(reason if expected and reason else f"{type(error).__name__}: {reason}")


def batch_failed(error: Exception, arm: AskedName) -> None:
    """Log that a batch failed as a whole, before each of its questions is asked alone."""
    _log.warning("A batch of %s failed (%s); each is asked alone.", arm, error)
