"""Visitors' folders: each has one of its own, with a name that nobody can guess, for a while."""

import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import ProjectError

#: Seconds that a folder stays after it was last used, and between two looks for older ones.
KEPT_SECONDS = 3600
#: Seconds that a folder of nobody stays: of an earlier process, or of a visitor who left while
#: something was being made for it.
_ORPHAN_SECONDS = 300
_LOOK_SECONDS = 300
#: Visitors who keep something at once: a disk has an end.
MOST_VISITORS = 100
#: So many of them from one address, which may be an office.
MOST_AN_ADDRESS = 10
_FOLDER = re.compile("[0-9a-f]{32}")


class UploadError(ProjectError):
    """A file that was given is not taken."""


class Visitors:
    """Keeps what visitors give under one folder, apart from each other, and deletes it."""

    def __init__(self, home: Path, *, gone: Callable[[], None] = lambda: None) -> None:
        """Write nothing yet; `home` is made when the first visitor gives something.

        :param gone: called when something was deleted.
        """
        self._home, self._gone = home, gone
        #: Name of the folder of a session, and the address that a folder was made for.
        self._names: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
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

    def keep(self, session: str) -> None:
        """Note that the visitor is still there, whatever it is that is used."""
        if session in self._names:
            self.folder(session)

    def check_room(self, session: str, address: str) -> None:
        """Refuse one visitor more than the disk, or one address, is to hold.

        :raises UploadError: says when to try again.
        """
        folder = self.folder(session)
        there = {one.name for one in self._folders()}
        if folder.name in there:
            return
        with self._lock:
            self._addresses[folder.name] = address
            beside = sum(self._addresses.get(one) == address for one in there)
        if len(there) >= MOST_VISITORS or beside >= MOST_AN_ADDRESS:
            raise UploadError(
                "Too many visitors keep documents here at the moment: try again in an hour, or run "
                "the project yourself."
            )

    def forget(self, session: str) -> None:
        """Delete all that the visitor gave."""
        with self._lock:
            name = self._names.pop(session, None)
        if name is None:
            return
        kept = (self._home / name).is_dir()
        self._delete(self._home / name)
        if kept:
            self._gone()

    def sweep(self) -> None:
        """Delete what was not used for an hour, and what is nobody's, an earlier process's too."""
        now = time.time()
        with self._lock:
            owned = set(self._names.values())
            old = [
                folder
                for folder in self._folders()
                if now - folder.stat().st_mtime
                > (KEPT_SECONDS if folder.name in owned else _ORPHAN_SECONDS)
            ]
            gone = {folder.name for folder in old}
            self._names = {who: name for who, name in self._names.items() if name not in gone}
        for folder in old:
            self._delete(folder)
        if old:
            self._gone()

    def _delete(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self._addresses.pop(folder.name, None)

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
