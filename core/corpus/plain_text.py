"""The plain-text probe of a corpus: short passages of general prose, one JSON line each."""

import json

from pydantic import Field, ValidationError

from core.corpus.read import Corpus
from core.errors import CorpusError
from core.records import Record

PLAIN_TEXT_FILE = "plain-text.jsonl"


class PlainText(Record):
    """One passage; `kind` says what sort of prose it is."""

    id: str = Field(min_length=1)
    kind: str
    text: str = Field(min_length=1)


def read_plain_text(corpus: Corpus) -> tuple[PlainText, ...]:
    """Read the passages, in the file's order; none when the corpus has no such file.

    :raises CorpusError: names the file, the line and what is wrong with it.
    """
    path = corpus.folder / PLAIN_TEXT_FILE
    if not path.is_file():
        return ()
    found: dict[str, PlainText] = {}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read ({error}).") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            one = PlainText.model_validate(json.loads(line))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "the line"
            raise CorpusError(f"{path}:{number}: {field}: {first['msg']}.") from error
        except ValueError as error:
            raise CorpusError(f"{path}:{number}: is not JSON.") from error
        if one.id in found:
            raise CorpusError(f"{path}:{number}: id: {one.id!r} stands there twice.")
        found[one.id] = one
    return tuple(found.values())
