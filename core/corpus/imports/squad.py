"""Imports SQuAD v1.1 and v2.0 JSON: articles of paragraphs with questions.

An article becomes a document; a question's evidence is the sentence around its answer. A v2
question that is marked impossible becomes `unanswerable`. The file is read article by article.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.corpus.imports.folder import (
    CorpusWriter,
    ImportReport,
    clean,
    evidence_of,
    write_imported,
)
from core.corpus.imports.reading import json_items, source_encoding
from core.errors import CorpusError
from core.records import Evidence, Split


def import_squad(
    source: Path, out: Path, *, split: Split | None = None, encoding: str | None = None
) -> ImportReport:
    """Turn a SQuAD file into the corpus folder `out`.

    :param split: puts every question there; without it they are split by fact when read.
    :raises CorpusError: when the file is no SQuAD, or `out` is there already.
    """
    found = source_encoding(source, encoding)

    def fill(writer: CorpusWriter) -> dict[str, str]:
        articles = 0
        for article in json_items(source, "data.item", encoding=found):
            articles += 1
            _article(article, writer, place=f"article {articles}", split=split)
        if not articles:
            raise CorpusError(
                f"{source}: has no list `data` of articles, so it is no SQuAD file. A file with a "
                "question a line is imported with `import jsonl`."
            )
        return {}

    report = write_imported(out, fill, title=source.stem, source=source.name)
    return report.model_copy(update={"encoding": found})


def _article(article: Any, writer: CorpusWriter, *, place: str, split: Split | None) -> None:
    paragraphs = article.get("paragraphs") if isinstance(article, dict) else None
    if not isinstance(paragraphs, list):
        writer.skip(place, "has no list `paragraphs`")
        return
    title = str(article.get("title") or "").replace("_", " ")
    contexts = [
        clean(one["context"])
        for one in paragraphs
        if isinstance(one, dict) and isinstance(one.get("context"), str)
    ]
    text = "\n\n".join(context for context in contexts if context)
    if not text:
        writer.skip(place, "has no context")
        return
    document = writer.document(text, title=title)
    for number, paragraph in enumerate(paragraphs, start=1):
        where = f"{place}, paragraph {number}"
        if not isinstance(paragraph, dict) or not isinstance(paragraph.get("qas"), list):
            writer.skip(where, "has no list `qas`")
            continue
        context = clean(str(paragraph.get("context") or ""))
        for asked in paragraph["qas"]:
            if not isinstance(asked, dict):
                writer.skip(where, "holds something that is no question")
                continue
            fields = _question(asked, document, context)
            if split:
                fields["split"] = split
            if not fields["answers"] and fields["kind"] == "fact":
                writer.skip(where, f"{asked.get('id', '?')} has no answer")
                continue
            writer.question(fields, place=where)


def _question(asked: dict[str, Any], document: str, context: str) -> dict[str, Any]:
    impossible = asked.get("is_impossible") is True
    given = [] if impossible else [one for one in _answers(asked) if one[0].strip()]
    evidence: list[Evidence] = []
    for text, start in given:
        evidence = evidence_of(document, context, text.strip(), start)
        if evidence:
            break
    return {
        "id": asked.get("id"),
        "question": asked.get("question") or "",
        "answers": list(dict.fromkeys(text.strip() for text, _ in given)),
        "evidence": evidence,
        "kind": "unanswerable" if impossible else "fact",
    }


def _answers(asked: dict[str, Any]) -> Iterator[tuple[str, int | None]]:
    for answer in asked.get("answers") or []:
        if isinstance(answer, dict) and isinstance(answer.get("text"), str):
            start = answer.get("answer_start")
            yield answer["text"], start if isinstance(start, int) else None
