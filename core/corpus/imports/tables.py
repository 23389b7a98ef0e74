"""Imports questions in a table: JSON Lines and CSV, whatever their columns are called."""

import csv
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.corpus.imports.columns import map_columns, write_row
from core.corpus.imports.folder import CorpusWriter, ImportReport, write_imported
from core.corpus.imports.reading import json_lines, source_encoding
from core.errors import CorpusError
from core.records import Split

#: Lines that a CSV's delimiter is guessed from.
_SNIFFED = 1 << 16


@dataclass(frozen=True)
class TableOptions:
    """How a table is read."""

    #: Column by field, where the names do not say it.
    columns: Mapping[str, str] = field(default_factory=dict)
    #: For rows that name no split; None splits them by fact when they are read.
    split: Split | None = None
    #: What stands between several answers in one cell.
    separator: str | None = None
    #: Found from the file unless named.
    encoding: str | None = None


def import_jsonl(source: Path, out: Path, options: TableOptions) -> ImportReport:
    """Turn a file with a JSON object a line into the corpus folder `out`.

    :raises CorpusError: when no column is the question's, nothing can be used, or `out` is there.
    """
    found = source_encoding(source, options.encoding)

    def fill(writer: CorpusWriter) -> dict[str, str]:
        columns: dict[str, str] = {}
        for number, row in json_lines(source, encoding=found):
            place = f"line {number}"
            if isinstance(row, CorpusError):
                writer.skip(place, str(row))
            elif not isinstance(row, dict):
                writer.skip(place, f"is {type(row).__name__}, not an object")
            else:
                columns = columns or map_columns(list(row), options.columns, source=str(source))
                write_row(
                    row,
                    columns,
                    writer,
                    place=place,
                    split=options.split,
                    separator=options.separator,
                )
        return columns

    report = write_imported(out, fill, title=source.stem, source=source.name)
    return report.model_copy(update={"encoding": found})


def import_csv(source: Path, out: Path, options: TableOptions) -> ImportReport:
    """Turn a CSV file with a header into the corpus folder `out`; the delimiter is found.

    :raises CorpusError: when no column is the question's, nothing can be used, or `out` is there.
    """
    found = source_encoding(source, options.encoding)

    def fill(writer: CorpusWriter) -> dict[str, str]:
        columns: dict[str, str] = {}
        for number, row in _csv_rows(source, found):
            if not columns:
                names = [name for name in row if name is not None]
                columns = map_columns(names, options.columns, source=str(source))
            if None in row or None in row.values():
                writer.skip(f"line {number}", "has more or fewer cells than the header")
                continue
            write_row(
                row,
                columns,
                writer,
                place=f"line {number}",
                split=options.split,
                separator=options.separator,
            )
        return columns

    report = write_imported(out, fill, title=source.stem, source=source.name)
    return report.model_copy(update={"encoding": found})


def _csv_rows(source: Path, encoding: str) -> Iterator[tuple[int, dict[Any, Any]]]:
    # A context may be longer than csv's 128 KiB for a cell.
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        with open(source, encoding=encoding, newline="") as file:
            head = file.read(_SNIFFED)
            file.seek(0)
            reader = csv.DictReader(file, delimiter=_delimiter(head), strict=True)
            names = reader.fieldnames
            if names is None:
                raise CorpusError(f"{source}: is empty; its first line must name the columns.")
            reader.fieldnames = [name.removeprefix("\ufeff").strip() for name in names]
            if len(set(reader.fieldnames)) < len(names):
                raise CorpusError(f"{source}: names a column twice ({', '.join(names)}).")
            empty = True
            for row in reader:
                empty = False
                yield reader.line_num, row
            if empty:
                raise CorpusError(
                    f"{source}: has no rows below its columns ({', '.join(reader.fieldnames)})."
                )
    except csv.Error as error:
        raise CorpusError(f"{source}: is no CSV that can be read ({error}).") from error
    except UnicodeError as error:
        raise CorpusError(
            f"{source}: is not {encoding} throughout ({error}). Name its encoding with --encoding."
        ) from error


def _delimiter(head: str) -> str:
    """Take the delimiter that the header holds most of; quoted parts aside."""
    first = head.split("\n", 1)[0]
    plain = "".join(first.split('"')[::2]) or first
    return max(",;\t|", key=plain.count)
