"""The owner's sign-in, which opens the whole page where strangers see a part of it."""

import logging
import secrets
import threading
import time
from collections.abc import Callable

from core.settings import Settings, SettingsError
from ui.recent import Recent

#: Wrong passwords a minute, from everybody together, after which none is looked at.
_TRIES = 10
_WINDOW, _ANYBODY = 60.0, "anybody"
_SHORTEST = 12

_log = logging.getLogger(__name__)


class OwnerLogin:
    """Says whether a name and a password are the owner's; Gradio's `auth` calls it."""

    def __init__(
        self, name: str, password: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep both in memory only."""
        self._name, self._password = name.encode(), password.encode()
        self._clock = clock
        self._failed = Recent(_WINDOW)
        self._lock = threading.Lock()

    def __call__(self, name: str, password: str) -> bool:
        """Compare in a time that does not tell how much was right; guessing is slowed down."""
        with self._lock:
            now = self._clock()
            self._failed.forget(now)
            if self._failed.used(_ANYBODY) >= _TRIES:
                _log.warning("An owner's sign-in was refused: too many wrong ones in a minute.")
                return False
            right = secrets.compare_digest(name.encode(), self._name)
            right &= secrets.compare_digest(password.encode(), self._password)
            if not right:
                self._failed.add(_ANYBODY, 1, now)
            return right


def owner_login(settings: Settings) -> OwnerLogin | None:
    """Return the sign-in that the settings ask for, if they do.

    :raises SettingsError: when one of both is missing, or the password is too short to hold.
    """
    name, password = settings.owner_name, settings.owner_password.get_secret_value()
    if not name and not password:
        return None
    if not name or not password:
        raise SettingsError(
            "The settings owner_name and owner_password go together: set both or neither."
        )
    if len(password) < _SHORTEST:
        raise SettingsError(
            f"The setting owner_password is too short: it needs {_SHORTEST} characters or more."
        )
    return OwnerLogin(name, password)
