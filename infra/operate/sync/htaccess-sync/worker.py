"""The separate process that works on the sites, one after another."""

from __future__ import annotations

import json
import os
import select
import signal
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from report import Absent, Failed, Outcome, reason, shown
from signals import Signals
from web_root import install, remove

# The time limit for one site. It is exceeded only if a file system does not answer.
SITE_SECONDS = 30

Job = Tuple[str, str]
ACTIONS: Dict[str, Callable[[int, str], Outcome]] = {"install": install, "remove": remove}


def outcome(root: int, job: Job) -> Outcome:
    action, key = job
    try:
        return ACTIONS[action](root, key)
    except Absent:
        return Outcome("absent")
    except Failed as err:
        return Outcome("failed", str(err))
    except OSError as err:
        return Outcome("failed", f"cannot {action} it: {reason(err)}")
    except Exception as err:
        return Outcome("failed", f"cannot {action} it: {type(err).__name__}: {shown(str(err))}")


def outcomes(root: int, jobs: List[Job], lock: int, signals: Signals) -> Iterator[Tuple[Job, Outcome]]:
    """Does the jobs in another process, and yields their results. After a job that does not end, a new process continues."""
    at = 0
    while at < len(jobs) and not signals.reason:
        source, target = os.pipe()
        process = os.fork()
        if process == 0:
            _work(root, jobs[at:], target, (source, lock), signals)
        os.close(target)
        with signals.child(lambda: os.kill(process, signal.SIGTERM)):
            problem = ""
            for result in _received(source):
                if result is None:
                    problem = f"the file system did not answer within {SITE_SECONDS} seconds"
                    break
                yield jobs[at], Outcome(*result)
                at += 1
        os.close(source)
        # After a problem, this process does not wait for the other one, because it may never end while it waits for a
        # file system.
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, os.WNOHANG if problem else 0)
        if problem or (at < len(jobs) and not signals.reason):
            yield jobs[at], Outcome("failed", problem or "the process that worked on it was terminated")
            at += 1


def _work(root: int, jobs: List[Job], target: int, inherited: Tuple[int, int], signals: Signals) -> None:
    try:
        signals.end_child = None
        # An abandoned process must not keep the lock.
        for descriptor in inherited:
            os.close(descriptor)
        for job in jobs:
            if signals.reason:
                break
            os.write(target, json.dumps(outcome(root, job)).encode() + b"\n")
    finally:
        os._exit(0)


def _received(source: int) -> Iterator[Optional[List[str]]]:
    """Yields the results of the other process as they arrive. Yields None and stops if a result is not there in time."""
    rest = b""
    while True:
        if not select.select([source], [], [], SITE_SECONDS)[0]:
            yield None
            return
        part = os.read(source, 1 << 16)
        if not part:
            return
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield json.loads(line)
