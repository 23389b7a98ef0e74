"""Every error a user can meet. Messages are sentences: what happened, to what, what to do next.

ProjectError
├── CorpusError            a file, a line, a field
├── ModelError             not found, wrong kind, does not fit in memory
├── AdapterError           unknown name, other base model, stale corpus
├── VectorIndexError       other encoder, damaged file, empty
├── RetrievalUnavailable   the store is down or not built
├── TrainingError          no supervised token, diverged, stopped
├── EvaluationError        nothing to score, rows that do not fit together
│   └── UnansweredError    an arm answered no question at all
└── StorageError           the disk is full or refuses the write

Only `cli` and `ui` catch them.
"""


class ProjectError(Exception):
    """Base of all errors whose message is meant for the user."""

    #: True when the user's input or request is at fault (exit code 2), False for a failure (1).
    bad_input = True


class CorpusError(ProjectError):
    """A corpus folder, one of its files, a line or a field cannot be used."""


class ModelError(ProjectError):
    """A model reference cannot be loaded, or a prompt cannot be given to the model."""


class AdapterError(ProjectError):
    """An adapter is unknown, damaged, or belongs to another base model."""


class VectorIndexError(ProjectError):
    """An index is damaged, empty, or was made with another encoder."""


class RetrievalUnavailable(ProjectError):  # noqa: N818  (the design's name)
    """The arm needs a retriever and there is none to ask."""


class TrainingError(ProjectError):
    """Training cannot start or cannot go on."""


class EvaluationError(ProjectError):
    """There is nothing to score, or the rows do not fit together."""


class UnansweredError(EvaluationError):
    """An arm answered none of the questions; the message says why."""

    bad_input = False


class StorageError(ProjectError):
    """A file could not be written; what was there before is unchanged."""

    bad_input = False
