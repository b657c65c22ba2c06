"""Calls the aws client."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from typing import IO, Any, Callable, Iterator, List, NamedTuple, Sequence, Tuple

from report import shown
from signals import Signals

# The maximum number of concurrent calls. Each call starts a process, which uses a processor for about half a second.
CALLS_AT_ONCE = 4


class Answer(NamedTuple):
    """The exit status of a call, its standard output, and its standard error in one line."""

    status: int
    output: bytes
    said: str


class Call:
    """A running call, whose output is in files that other processes cannot open."""

    def __init__(self, arguments: Sequence[str], lock: int) -> None:
        self.output = tempfile.TemporaryFile(dir=".")
        self.errors = tempfile.TemporaryFile(dir=".")
        self.process = start(arguments, lock, self.output, self.errors)

    def answer(self) -> Answer:
        status = self.process.wait()
        with self.output, self.errors:
            self.output.seek(0)
            return Answer(status, self.output.read(), said(self.errors))


class Client:
    """The aws client. A signal to this program ends the client's calls."""

    def __init__(self, lock: int, signals: Signals) -> None:
        self.lock = lock
        self.signals = signals

    @contextlib.contextmanager
    def stream(self, *arguments: str, output: int) -> Iterator[Tuple[subprocess.Popen, Callable[[], Tuple[int, str]]]]:
        """Yields the process of a call, and a function that waits for the exit status and the standard error."""
        with tempfile.TemporaryFile(dir=".") as errors, start(arguments, self.lock, output, errors) as process:
            with self.signals.child(process.terminate):
                yield process, lambda: (process.wait(), said(errors))

    def answers(self, calls: Sequence[Sequence[str]]) -> List[Answer]:
        """Makes calls, up to CALLS_AT_ONCE at a time. Returns their answers. After a signal, the last ones are missing."""
        started: List[Call] = []
        found: List[Answer] = []

        def end() -> None:
            for call in started:
                call.process.terminate()

        with self.signals.child(end):
            for arguments in calls:
                if len(started) - len(found) == CALLS_AT_ONCE:
                    found.append(started[len(found)].answer())
                if self.signals.reason:
                    break
                started.append(Call(arguments, self.lock))
            if self.signals.reason:
                # The signal may have arrived while a call was being started.
                end()
            found += [call.answer() for call in started[len(found) :]]
        return found


def start(arguments: Sequence[str], lock: int, output: Any, errors: IO[bytes]) -> subprocess.Popen:
    # The client inherits the lock, because it writes to the staging folder until it ends.
    return subprocess.Popen(
        ["aws", *(argument.encode(errors="surrogateescape") for argument in arguments)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        pass_fds=(lock,),
        env={**os.environ, "LC_ALL": "C.UTF-8", "AWS_PAGER": ""},
    )


def said(errors: IO[bytes]) -> str:
    errors.seek(0)
    return shown(errors.read(4096).decode(errors="replace").strip().replace("\n", "; "))
