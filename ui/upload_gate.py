"""Counts what strangers upload, before it is kept: Gradio itself takes any number of files."""

import threading
import time
from collections.abc import Callable
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.settings import Settings
from ui.public import Limits, address_from
from ui.recent import Recent

#: Gradio keeps an upload for about as long, whoever it is of.
_HOUR = 3600.0
_UPLOAD = "/gradio_api/upload"


def upload_limits(settings: Settings) -> dict[str, Any]:
    """How much strangers may upload, as Gradio's `launch` takes it."""
    most = Limits.of(settings).hourly_upload_bytes
    return {
        "max_file_size": settings.visitor_upload_bytes,
        "app_kwargs": {"middleware": [Middleware(UploadGate, bytes_an_hour=most)]},
    }


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
        #: How much each address sent within the last hour.
        self._sent = Recent(_HOUR)

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
            self._sent.forget(now)
            if self._sent.used(address) + int(length) > self._most:
                return (
                    f"This public page takes {self._most:,} bytes an hour from one address, and "
                    "that would be more: upload less, or later."
                )
            self._sent.add(address, int(length), now)
        return ""
