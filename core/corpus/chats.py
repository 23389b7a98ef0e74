"""Reads `chats.jsonl`: instruction data of the user's own, a chat a line.

    {"messages": [{"role": "system", "content": "…"}, {"role": "user", "content": "…"},
                  {"role": "assistant", "content": "…"}, …]}

The system message may be left out. Then user and assistant take turns, and the assistant has the
last word.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from core.corpus.questions import read_object
from core.errors import CorpusError

CHATS_FILE = "chats.jsonl"


class Chat(BaseModel):
    """A chat to learn from; `turns` holds pairs of what the user wrote and what was answered."""

    model_config = ConfigDict(frozen=True)

    #: The file's name and the line, as in "chats.jsonl:3".
    id: str
    system: str = ""
    turns: tuple[tuple[str, str], ...]


class _Message(BaseModel):
    """One message as the file holds it; fields of other tools are left aside."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "user", "assistant"]
    content: str

    @field_validator("content")
    @classmethod
    def _has_words(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty")
        try:
            value.encode()
        except UnicodeEncodeError as error:  # JSON may say \ud800, which no text can hold
            raise ValueError("holds half of a character") from error
        return value.strip()


class _Messages(BaseModel):
    messages: list[_Message]


def read_chats(path: Path) -> tuple[Chat, ...]:
    """Read a `chats.jsonl`; a file that is not there has no chats.

    :raises CorpusError: at the first bad line, naming it and the field.
    """
    if not path.is_file():
        return ()
    chats = []
    with open(path, "rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.strip(b"\r\n\t \xef\xbb\xbf"):
                continue
            try:
                chats.append(_chat(raw, f"{path.name}:{number}"))
            except CorpusError as error:
                raise CorpusError(f"{path}:{number}: {error}") from error
    return tuple(chats)


def _chat(raw: bytes, name: str) -> Chat:
    try:
        messages = _Messages.model_validate(read_object(raw)).messages
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise CorpusError(f"{field}: {first['msg'].removeprefix('Value error, ')}.") from error
    system = ""
    first_turn = 0
    if messages and messages[0].role == "system":
        system, first_turn = messages[0].content, 1
    turns = messages[first_turn:]
    for place, message in enumerate(turns, start=first_turn):
        expected = ("user", "assistant")[(place - first_turn) % 2]
        if message.role != expected:
            raise CorpusError(
                f"messages.{place}.role: is {message.role!r} where {expected!r} is expected; user "
                "and assistant take turns after the system's message."
            )
    if not turns or turns[-1].role != "assistant":
        raise CorpusError("messages: need an assistant's message at the end, to learn from.")
    pairs = zip(turns[::2], turns[1::2], strict=True)
    return Chat(
        id=name,
        system=system,
        turns=tuple((question.content, answer.content) for question, answer in pairs),
    )
