"""Opens a source in its encoding and reads it in pieces, never as a whole."""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.corpus.encoding import check_encoding, detect_encoding
from core.errors import CorpusError

_BLOCK = 1 << 16


def source_encoding(source: Path, encoding: str | None) -> str:
    """Give the encoding a source is to be read in: the one named, or the one found.

    :raises CorpusError: when there is no such file or no such encoding.
    """
    if not source.is_file():
        raise CorpusError(f"{source}: is no file; name the file to import.")
    return check_encoding(encoding) if encoding else detect_encoding(source)


def json_items(source: Path, prefix: str, *, encoding: str) -> Iterator[Any]:
    """Read the values below a prefix (ijson's notation) of a JSON file, one by one.

    :raises CorpusError: when it is not JSON, or not in the encoding.
    """
    import ijson  # noqa: PLC0415  (only imports need it)

    try:
        # Numbers as floats: nothing here counts with them.
        yield from ijson.items(
            ijson.from_iter(_utf8_blocks(source, encoding)), prefix, use_float=True
        )
    except ijson.JSONError as error:
        reason = str(error).strip().split("\n")[0]
        raise CorpusError(f"{source}: is not JSON that can be read ({reason}).") from error


def text_lines(source: Path, *, encoding: str) -> Iterator[tuple[int, str]]:
    r"""Read (number, line) of a text file; only \n and \r\n end a line.

    :raises CorpusError: when a line is not in the encoding.
    """
    try:
        with open(source, encoding=encoding, newline="\n") as file:
            for number, line in enumerate(file, start=1):
                yield number, line.removeprefix("\ufeff").rstrip("\r\n")
    except UnicodeError as error:
        raise _not_in(source, encoding, error) from error


def json_lines(source: Path, *, encoding: str) -> Iterator[tuple[int, Any]]:
    """Read (number, value) of a JSON Lines file, passing over empty lines.

    A line that is not JSON gives the error as its value, so that the others can still be used.
    """
    for number, line in text_lines(source, encoding=encoding):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, CorpusError(f"is not JSON ({error})")


def _utf8_blocks(source: Path, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    first = True
    with open(source, "rb") as file:
        while block := file.read(_BLOCK):
            try:
                text = decoder.decode(block)
            except UnicodeError as error:
                raise _not_in(source, encoding, error) from error
            yield (text.removeprefix("\ufeff") if first else text).encode("utf-8", "replace")
            first = False


def _not_in(source: Path, encoding: str, error: UnicodeError) -> CorpusError:
    return CorpusError(
        f"{source}: is not {encoding} throughout ({error}). Name its encoding with --encoding."
    )
