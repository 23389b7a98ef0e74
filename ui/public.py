"""What strangers may do on a public demo: limits by visitor, and nothing shared between them."""

import ipaddress
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from core.corpus.documents import SUFFIXES
from core.errors import ProjectError
from core.places import CORPORA_FOLDER, VISITORS_FOLDER
from core.settings import Settings
from core.storage import folder_bytes
from own_corpora import Limits as CorpusLimits
from ui.recent import Recent
from ui.visitors import UploadError, Visitors

_WINDOW = 60.0
#: An address may be an office: it may do what so many visitors may.
_VISITORS_AN_ADDRESS = 4
#: Corpora that a visitor may keep at once, questions in each, and characters of one.
_CORPORA, _QUESTIONS, _TYPED = 2, 2000, 10_000
#: What strangers' documents may be: the others are taken apart by programs that a file of one
#: megabyte can keep busy for minutes.
_SUFFIXES = (".md", ".txt", ".csv")
#: Sentences that one click drafts questions on, where strangers click.
_DRAFTED_SENTENCES = 20


class VisitorError(ProjectError):
    """A visitor asks for more than the public page gives."""


@dataclass(frozen=True)
class Limits:
    """How much one visitor may ask for."""

    question_characters: int
    questions_a_minute: int
    #: Of a corpus; none closes uploads.
    documents: int
    upload_bytes: int
    visit_bytes: int

    @property
    def hourly_upload_bytes(self) -> int:
        """Bytes that one address may upload in an hour; 0 where uploads are closed."""
        return _VISITORS_AN_ADDRESS * self.visit_bytes if self.documents else 0

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Read them from the settings."""
        return cls(
            question_characters=settings.visitor_question_characters,
            questions_a_minute=settings.visitor_questions_a_minute,
            documents=settings.visitor_documents,
            upload_bytes=settings.visitor_upload_bytes,
            visit_bytes=settings.visitor_bytes,
        )


class Guard:
    """Stands between a page's visitors and its verbs; on an owner's page it lets all pass."""

    def __init__(
        self,
        settings: Settings,
        *,
        public: bool,
        gone: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write nothing and start nothing yet.

        :param public: whether strangers use the page that this guards.
        :param gone: called when what a visitor had given was deleted.
        """
        self.public = public
        self.limits = Limits.of(settings)
        self.visitors = Visitors(settings.state / VISITORS_FOLDER, gone=gone)
        self._clock = clock
        self._lock = threading.Lock()
        #: How often each session and each address asked, within the last minute.
        self._asked = Recent(_WINDOW)

    def attend(self, page: gr.Blocks) -> None:
        """Delete what a visitor gave when the visit ends, and what is old; while `page` is open."""
        if self.public:
            page.unload(self.leave)
            self.visitors.sweep_regularly()

    def check_question(self, text: str, request: gr.Request | None) -> None:
        """Refuse a question that is too long or comes too soon; call it before the model is used.

        :raises VisitorError: says which, and when to ask again.
        """
        most = self.limits.question_characters
        if self.public and len(text) > most:
            raise VisitorError(
                f"The question has {len(text)} characters; the most on this public page is {most}. "
                "Shorten it."
            )
        self.check_rate(request)

    def check_rate(self, request: gr.Request | None, *, uses: int = 1) -> None:
        """Count uses of the model by this visitor, or refuse them.

        :param uses: how many questions are asked at once.
        :raises VisitorError: says when to ask again.
        """
        if not self.public:
            return
        self.visitors.keep(session_of(request))
        most = self.limits.questions_a_minute
        allowed = {f"address {address_of(request)}": most * _VISITORS_AN_ADDRESS}
        if session := session_of(request):
            allowed[f"session {session}"] = most
        with self._lock:
            now = self._clock()
            self._asked.forget(now)
            for who, number in allowed.items():
                used = self._asked.used(who)
                # More at once than a minute has are let through once the minute has none.
                if used and used + uses > number:
                    wait = int(self._asked.next_free(who) - now) + 1
                    raise VisitorError(
                        f"This public page answers {number} questions a minute from one "
                        f"{who.split()[0]}: ask again in {wait} s."
                    )
            for who in allowed:
                self._asked.add(who, uses, now)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What documents may be here."""
        return _SUFFIXES if self.public else SUFFIXES

    @property
    def drafted_sentences(self) -> int | None:
        """Sentences that one click may draft questions on; None for all of a document."""
        return _DRAFTED_SENTENCES if self.public else None

    @property
    def closed(self) -> bool:
        """Whether nobody may make a corpus or upload anything."""
        return self.public and self.limits.documents == 0

    def corpora_of(self, request: gr.Request | None) -> tuple[Path | None, CorpusLimits | None]:
        """Where the visitor's own corpora lie, and the most that they may hold.

        :returns: none of both on an owner's page: what the workbench itself says.
        :raises UploadError: when the visitor has no session to keep them apart by.
        """
        if not self.public:
            return None, None
        limits = CorpusLimits(
            corpora=_CORPORA,
            documents=self.limits.documents,
            questions=_QUESTIONS,
            file_bytes=self.limits.upload_bytes,
            suffixes=self.suffixes,
        )
        return self.visitors.folder(session_of(request)) / CORPORA_FOLDER, limits

    def check_room(self, request: gr.Request | None, more: int = 0) -> None:
        """Refuse what the disk is not to hold; call it before something is kept.

        :param more: bytes that come on top of what the visitor has.
        :raises UploadError: says what is full.
        """
        if not self.public:
            return
        session, most = session_of(request), self.limits.visit_bytes
        self.visitors.check_room(session, address_of(request))
        kept = folder_bytes(self.visitors.folder(session) / CORPORA_FOLDER)
        if kept + more > most:
            raise UploadError(
                f"This public page keeps {most:,} bytes of a visitor, and that would be more: "
                "remove something first."
            )

    def check_uploads(self, uploads: Sequence[Path], request: gr.Request | None) -> None:
        """Look at uploaded files before anything is taken from them.

        :raises UploadError: when they are too large, or no longer there.
        """
        if not self.public:
            return
        sizes = []
        for file in uploads:
            try:
                sizes.append(file.stat().st_size)
            except OSError as error:
                raise UploadError(f"{file.name} did not arrive: upload it again.") from error
            if sizes[-1] > self.limits.upload_bytes:
                raise UploadError(
                    f"{file.name} has {sizes[-1]:,} bytes; the most on this public page is "
                    f"{self.limits.upload_bytes:,}. Give a smaller file."
                )
        self.check_room(request, sum(sizes))

    def check_text(self, texts: Sequence[str], request: gr.Request | None) -> None:
        """Refuse more typed text than a question and its answers are; call it before it is kept.

        :raises ProjectError: says how long it is, or what is full.
        """
        length = sum(len(text) for text in texts)
        if self.public and length > _TYPED:
            raise VisitorError(
                f"What was typed has {length:,} characters; the most on this public page is "
                f"{_TYPED:,}. Shorten it."
            )
        self.check_room(request, 4 * length)

    def leave(self, request: gr.Request) -> None:
        """Forget a visitor whose page was closed."""
        self.visitors.forget(session_of(request))


def session_of(request: gr.Request | None) -> str:
    """Return the visit's hash; empty for a call that belongs to no open page."""
    return (request.session_hash or "") if request is not None else ""


def address_of(request: gr.Request | None) -> str:
    """Return the visitor's address.

    Behind a host's proxy every visitor has the proxy's private address; then the last public one
    of X-Forwarded-For is the visitor's: what stands before it the visitor may have made up.
    """
    client = request.client if request is not None else None
    if request is None or client is None:
        return "unknown"
    return address_from(str(client.host), request.headers)


def address_from(host: str, headers: Mapping[str, str]) -> str:
    """Return a visitor's address by whom a request comes from and what it says; see `address_of`.

    Of an IPv6 address the first 64 bits: a household has all that begin so.
    """
    passed = [one.strip() for one in headers.get("x-forwarded-for", "").split(",")]
    found = host
    if _is_private(host):
        found = next((one for one in reversed(passed) if one and not _is_private(one)), host)
    try:
        address = ipaddress.ip_address(found)
    except ValueError:
        return found
    if address.version == 4:
        return found
    return str(ipaddress.ip_network(f"{found.partition('%')[0]}/64", strict=False))


def _is_private(address: str) -> bool:
    try:
        return not ipaddress.ip_address(address).is_global
    except ValueError:
        return True  # no address at all is nobody's to count by
