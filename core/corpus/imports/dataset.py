"""Imports a Hugging Face dataset: a name on the hub, or a folder that `datasets` loads."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.corpus.imports.columns import map_columns, split_named, write_row
from core.corpus.imports.folder import CorpusWriter, ImportReport, write_imported
from core.corpus.imports.tables import TableOptions
from core.errors import CorpusError

#: What `Dataset.save_to_disk` and `DatasetDict.save_to_disk` leave in their folder.
_SAVED = ("state.json", "dataset_dict.json")


def import_dataset(
    source: str,
    out: Path,
    options: TableOptions,
    *,
    configuration: str | None = None,
    part: str | None = None,
) -> ImportReport:
    """Turn a dataset into the corpus folder `out`.

    :param source: a local folder, or a name on the hub, which is downloaded.
    :param part: the one split of the dataset to take; without it all, each as its own split.
    :raises CorpusError: when it cannot be loaded, lacks the part or the columns.
    """
    parts = _parts(source, configuration)
    if part is not None and part not in parts:
        raise CorpusError(f"{source}: has no part {part!r} (it has: {', '.join(parts)}).")
    taken = {part: parts[part]} if part is not None else parts

    def fill(writer: CorpusWriter) -> dict[str, str]:
        columns: dict[str, str] = {}
        for name, rows in taken.items():
            split = options.split or (split_named(name) if len(taken) > 1 else None)
            for number, row in enumerate(rows, start=1):
                if not columns:
                    columns = map_columns(list(row), options.columns, source=source)
                write_row(
                    row,
                    columns,
                    writer,
                    place=f"{name} row {number}",
                    split=split,
                    separator=options.separator,
                )
        return columns

    title = Path(source).name
    return write_imported(out, fill, title=title, source=source)


def _parts(source: str, configuration: str | None) -> dict[str, Iterable[Mapping[str, Any]]]:
    from datasets import DatasetDict, load_dataset, load_from_disk  # noqa: PLC0415  (slow)

    folder = Path(source)
    try:
        if folder.is_dir() and any((folder / name).is_file() for name in _SAVED):
            loaded = load_from_disk(source)
            return dict(loaded) if isinstance(loaded, DatasetDict) else {"all": loaded}
        # Streamed: a large dataset is read row by row, and nothing is prepared on disk.
        streamed = load_dataset(source, configuration, streaming=True)
        return dict(streamed)
    except Exception as error:  # the library's and the network's own many types
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise CorpusError(
            f"{source}: is no dataset that loads ({reason}). Name a folder that `datasets` saved, "
            "a folder of data files, or a dataset of the hub with its network in reach."
        ) from error
