"""Counts what strangers upload, before it is kept: Gradio itself takes any number of files."""

import threading
import time
from collections import deque
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.public import address_from

#: Gradio keeps an upload for about as long, whoever it is of.
_HOUR = 3600.0
_UPLOAD = "/gradio_api/upload"


class UploadGate:
    """Refuses an upload of an address that has sent its share within the hour, unread.

    An upload that does not say how long it is is refused too: it could not be counted before it is
    kept.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        bytes_an_hour: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Stand before an application.

        :param bytes_an_hour: of one address; 0 refuses every upload.
        """
        self._app, self._most, self._clock = app, bytes_an_hour, clock
        self._lock = threading.Lock()
        #: When each address sent how much, within the last hour.
        self._sent: dict[str, deque[tuple[float, int]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on all but an upload too many."""
        uploads = scope["type"] == "http" and scope["method"] == "POST"
        if uploads and scope["path"].endswith(_UPLOAD):
            reason = self._refused(Request(scope))
            if reason:
                await JSONResponse({"detail": reason}, status_code=413)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refused(self, request: Request) -> str:
        """Say why an upload is refused; empty where it is counted and let through."""
        if self._most == 0:
            return "Uploads are closed on this public page."
        length = request.headers.get("content-length", "")
        if not length.isdecimal():
            return "An upload must say how many bytes it has."
        address = address_from(request.client.host if request.client else "", request.headers)
        with self._lock:
            now = self._clock()
            self._drop_before(now - _HOUR)
            sent = self._sent.get(address, deque())
            if sum(size for _, size in sent) + int(length) > self._most:
                return (
                    f"This public page takes {self._most:,} bytes an hour from one address, and "
                    "that would be more: upload less, or later."
                )
            self._sent.setdefault(address, deque()).append((now, int(length)))
        return ""

    def _drop_before(self, oldest: float) -> None:
        for address, sent in list(self._sent.items()):
            while sent and sent[0][0] <= oldest:
                sent.popleft()
            if not sent:
                del self._sent[address]
