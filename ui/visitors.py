"""Visitors' folders: each has one of its own, with a name that nobody can guess, for a while."""

import re
import secrets
import shutil
import threading
import time
from pathlib import Path

from core.errors import ProjectError
from core.storage import folder_bytes

#: Seconds that a folder stays after it was last used, and between two looks for older ones.
KEPT_SECONDS = 3600
_LOOK_SECONDS = 300
#: Visitors who keep something at once: a disk has an end.
MOST_VISITORS = 100
_FOLDER = re.compile("[0-9a-f]{32}")


class UploadError(ProjectError):
    """A file that was given is not taken."""


class Visitors:
    """Keeps what visitors give under one folder, apart from each other, and deletes it."""

    def __init__(self, home: Path) -> None:
        """Write nothing yet; `home` is made when the first visitor gives something."""
        self._home = home
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()

    def folder(self, session: str) -> Path:
        """Return the place of the visitor's own folder; it is there once something is kept in it.

        :raises UploadError: when the visitor has no session, so that nothing could be kept apart.
        """
        if not session:
            raise UploadError("Files are taken only from a page that is open: open it and try.")
        with self._lock:
            # Random and not the session's hash: who sees one of them knows nothing of the other.
            folder = self._home / self._names.setdefault(session, secrets.token_hex(16))
            if folder.is_dir():
                folder.touch()  # it is in use
        return folder

    def check_room(self, session: str) -> None:
        """Refuse one visitor more than the disk is to hold.

        :raises UploadError: says when to try again.
        """
        if not self.folder(session).is_dir() and len(self._folders()) >= MOST_VISITORS:
            raise UploadError(
                "Too many visitors keep documents here at the moment: try again in an hour, or run "
                "the project yourself."
            )

    def bytes_of(self, session: str) -> int:
        """Count the bytes of all that is kept of the visitor."""
        return folder_bytes(self.folder(session))

    def forget(self, session: str) -> None:
        """Delete all that the visitor gave."""
        with self._lock:
            name = self._names.pop(session, None)
            if name is not None:
                shutil.rmtree(self._home / name, ignore_errors=True)

    def sweep(self) -> None:
        """Delete what was not used for an hour, whoever left it, an earlier process too."""
        oldest = time.time() - KEPT_SECONDS
        with self._lock:
            for folder in self._folders():
                if folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)
                    self._names = {
                        session: name
                        for session, name in self._names.items()
                        if name != folder.name
                    }

    def _folders(self) -> list[Path]:
        # Only what this class made: a folder, no link, with a name of its kind.
        return [
            one
            for one in self._home.glob("*")
            if not one.is_symlink() and one.is_dir() and _FOLDER.fullmatch(one.name)
        ]

    def sweep_regularly(self) -> None:
        """Delete old folders as long as the process runs, whether or not visitors come."""
        threading.Thread(target=self._sweep_on, daemon=True, name="visitors").start()

    def _sweep_on(self) -> None:
        while True:
            self.sweep()
            time.sleep(_LOOK_SECONDS)
