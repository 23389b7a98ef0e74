"""Where what is made of a corpus lies: in the state folder, apart for what strangers gave."""

from pathlib import Path

#: Below the state folder: a folder a visitor of a public page, deleted with all that is in it.
VISITORS_FOLDER = "visitors"
#: Below a home: the corpora that users made, and an index for each corpus.
CORPORA_FOLDER, INDEXES_FOLDER = "corpora", "indexes"


def home_of(corpus_folder: Path, state: Path) -> Path:
    """The folder that a corpus's index, drafts and labels lie in.

    That of a visitor's corpus is the visitor's own, so that nothing of it outlives the visit; of
    every other it is the state folder.
    """
    visitors = (state / VISITORS_FOLDER).resolve()
    folder = corpus_folder.resolve()
    if not folder.is_relative_to(visitors) or folder == visitors:
        return state
    return visitors / folder.relative_to(visitors).parts[0]
