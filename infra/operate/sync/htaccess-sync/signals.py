"""Handles signals that end the program early."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import Any, Callable, Iterator, Optional

# The maximum duration of a run, in case the aws client does not end.
RUN_SECONDS = 3600


class Signals:
    """Ends the run after the current file when SIGTERM, SIGINT or SIGALRM arrives."""

    def __init__(self) -> None:
        self.reason = ""
        self.is_timeout = False
        self.end_child: Optional[Callable[[], None]] = None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, self._stop)
        self.start_clock()

    def start_clock(self) -> None:
        """Restarts the time limit of a run."""
        signal.alarm(RUN_SECONDS)

    def pause(self, seconds: float) -> None:
        """Waits for this time or until a signal arrives."""
        until = time.monotonic() + seconds
        while not self.reason and time.monotonic() < until:
            time.sleep(0.1)

    def _stop(self, number: int, _frame: Any) -> None:
        self.is_timeout = number == signal.SIGALRM
        self.reason = f"ended after {RUN_SECONDS} seconds" if self.is_timeout else f"ended by {signal.Signals(number).name}"
        if self.end_child:
            self.end_child()

    @contextlib.contextmanager
    def child(self, end: Callable[[], None]) -> Iterator[None]:
        """Calls `end` if a signal arrives while the body runs, so that child processes also end."""
        self.end_child = end
        if self.reason:
            end()
        try:
            yield
        finally:
            self.end_child = None
