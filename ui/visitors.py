"""Visitors' folders: each has one of its own, with a name that nobody can guess, for a while."""

import re
import secrets
import shutil
import threading
import time
from pathlib import Path

from core.errors import ProjectError
from core.storage import write_bytes

#: Seconds that a folder stays after it was last used, and between two looks for older ones.
KEPT_SECONDS = 3600
_LOOK_SECONDS = 300
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
        """Return the visitor's own folder, made when it is first asked for.

        :raises UploadError: when the visitor has no session, so that nothing could be kept apart.
        """
        if not session:
            raise UploadError("Files are taken only from a page that is open: open it and try.")
        with self._lock:
            # Random and not the session's hash: who sees one of them knows nothing of the other.
            folder = self._home / self._names.setdefault(session, secrets.token_hex(16))
            folder.mkdir(parents=True, exist_ok=True)
            folder.touch()
        return folder

    def files(self, session: str) -> list[Path]:
        """List what the visitor gave; makes nothing."""
        name = self._names.get(session)
        return sorted((self._home / name).glob("*")) if name else []

    def keep(self, upload: Path, session: str) -> Path:
        """Move a file that was uploaded into the visitor's folder, under its own name.

        :raises UploadError: when that name could lie elsewhere than in the folder.
        """
        place = self.folder(session) / plain_name(upload.name)
        write_bytes(place, upload.read_bytes())
        upload.unlink(missing_ok=True)
        return place

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
            for folder in self._home.glob("*"):
                # Only what this class made: a folder, no link, with a name of its kind.
                if folder.is_symlink() or not folder.is_dir() or not _FOLDER.fullmatch(folder.name):
                    continue
                if folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)
                    self._names = {
                        session: name
                        for session, name in self._names.items()
                        if name != folder.name
                    }

    def sweep_regularly(self) -> None:
        """Delete old folders as long as the process runs, whether or not visitors come."""
        threading.Thread(target=self._sweep_on, daemon=True, name="visitors").start()

    def _sweep_on(self) -> None:
        while True:
            self.sweep()
            time.sleep(_LOOK_SECONDS)


def plain_name(name: str) -> str:
    """Return a file's name as it is, when it is only that: no path, no hidden file.

    :raises UploadError: when it is something else.
    """
    bad = not name or name.startswith(".") or len(name.encode()) > 200
    if bad or any(letter in "/\\:" or ord(letter) < 32 for letter in name):
        raise UploadError(f"A file cannot be called {name!r}: rename it and upload it again.")
    return name
