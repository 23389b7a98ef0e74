"""What was used lately, and by whom: a window that moves with the clock."""

from collections import deque


class Recent:
    """Amounts by who used them, each forgotten after a while; whoever calls it holds a lock."""

    def __init__(self, seconds: float) -> None:
        """Remember each amount for so many seconds."""
        self._seconds = seconds
        #: When who used how much, oldest first.
        self._used: dict[str, deque[tuple[float, int]]] = {}

    def __len__(self) -> int:
        """Of how many anything is remembered."""
        return len(self._used)

    def forget(self, now: float) -> None:
        """Forget what is old; call it before looking."""
        for who, amounts in list(self._used.items()):
            while amounts and amounts[0][0] <= now - self._seconds:
                amounts.popleft()
            if not amounts:
                del self._used[who]

    def used(self, who: str) -> int:
        """How much is remembered of somebody."""
        return sum(amount for _, amount in self._used.get(who, ()))

    def next_free(self, who: str) -> float:
        """When the oldest that is remembered of somebody is forgotten.

        :raises KeyError: when nothing is.
        """
        return self._used[who][0][0] + self._seconds

    def add(self, who: str, amount: int, now: float) -> None:
        """Remember an amount."""
        self._used.setdefault(who, deque()).append((now, amount))
