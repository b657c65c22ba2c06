"""The service that waits for messages about changes, and installs the changed files.

The service compares everything when it starts and once a day, because S3 may lose an event, and messages are lost if a
queue is replaced. It also compares everything after a burst, if a comparison costs less than fetching the files one by
one, and about every minute while the queue or the bucket cannot be read.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import Dict, List, Set

from bucket import Bucket, refresh_named
from comparison import carry_out, compare
from messages import named
from report import Fatal, Report, shown
from server_queue import Message, Queue
from staging import State
from web_root import opened
from worker import Job

COMPARE_SECONDS = 24 * 3600
# The time after which files that are not in place are tried again, and the maximum time from a failure to the next
# comparison.
RETRY_SECONDS = 60
# The pause after the first failure. Each further failure in a row doubles the pause, up to RETRY_SECONDS.
PAUSE_SECONDS = 1
# The maximum number of files that are tried again at a time, so that changes do not wait for thousands of absent sites.
MAX_RETRIED = 10_000
# A burst is more than MIN_BURST files, plus one for each OBJECTS_PER_FETCH files in the bucket, because fetching a single
# file takes about as long as listing a thousand objects.
MIN_BURST = 20
OBJECTS_PER_FETCH = 1000


class Follower:
    """Keeps the web root up to date until a signal arrives."""

    def __init__(self, bucket: Bucket, queue: Queue, web_root: str, state: State, deletes: bool) -> None:
        self.bucket = bucket
        self.queue = queue
        self.web_root = web_root
        self.state = state
        self.deletes = deletes
        self.signals = bucket.signals
        # The action for each file that is not in place because the action failed or the site is not on this server.
        self.waiting: Dict[str, str] = {}
        self.compare_at = self.retry_at = time.monotonic()
        self.pause_seconds = PAUSE_SECONDS

    def run(self, report: Report) -> int:
        """Works in rounds until a signal arrives, and prints a report after each round. The first report is the given one.

        Returns the exit status.
        """
        while not self.signals.reason:
            self.signals.start_clock()
            try:
                self._round(report)
            except (Fatal, OSError) as err:
                report.fail(str(err))
                report.print()
                self._pause()
            else:
                report.print()
            report = Report()
        return 1 if self.signals.is_timeout else 0

    def _pause(self) -> None:
        """Waits after a failure. Changes may be missed during this time, so a comparison follows within about a minute."""
        self.compare_at = min(self.compare_at, time.monotonic() + RETRY_SECONDS)
        self.signals.pause(self.pause_seconds)
        self.pause_seconds = min(2 * self.pause_seconds, RETRY_SECONDS)

    def _round(self, report: Report) -> None:
        if time.monotonic() >= self.compare_at:
            self._try_to_compare(report)
        elif self.waiting and time.monotonic() >= self.retry_at:
            self._retry(report)
        else:
            self._follow(report)

    def _try_to_compare(self, report: Report) -> None:
        """Compares everything. If the comparison fails, the service follows messages until the next attempt."""
        try:
            self._compare(report)
        except (Fatal, OSError) as err:
            report.fail(str(err))
            self.compare_at = time.monotonic() + RETRY_SECONDS

    def _compare(self, report: Report) -> Set[str]:
        """Compares everything. Returns the keys whose files are not in place."""
        self.waiting.clear()
        with opened(self.web_root) as root:
            compared = compare(self.bucket, root, self.state, self.deletes, report)
        self.retry_at = time.monotonic() + RETRY_SECONDS
        self.compare_at = time.monotonic() + (RETRY_SECONDS if compared.missing else COMPARE_SECONDS)
        return compared.missing | self._note(compared.results)

    def _retry(self, report: Report) -> None:
        """Tries files again that are not in place. For example, the folder of their site may exist now."""
        self._carry_out([(action, key) for key, action in islice(self.waiting.items(), MAX_RETRIED)], report)
        self.retry_at = time.monotonic() + RETRY_SECONDS

    def _follow(self, report: Report) -> None:
        """Waits for messages, installs the files that they name, and deletes the messages whose files are in place."""
        messages = self.queue.receive()
        keys = {message: self._named(message, report) for message in messages}
        wanted = set().union(*keys.values())
        is_burst = len(wanted) > MIN_BURST + len(self.state.fetched) // OBJECTS_PER_FETCH
        failed = self._compare(report) if is_burst else self._fetch(wanted, report)
        if not self.signals.reason:
            self.queue.delete([message for message in messages if not keys[message] & failed], report)
        self.pause_seconds = PAUSE_SECONDS

    def _named(self, message: Message, report: Report) -> Set[str]:
        found = named(message.body, self.bucket.name)
        for problem in found.dropped:
            report.fail(f"message {shown(message.id)}: dropped: {problem}")
        return found.keys

    def _fetch(self, keys: Set[str], report: Report) -> Set[str]:
        """Installs the files of single keys. Returns the keys whose files are not in place."""
        found = refresh_named(self.state, keys, self.bucket, report) if keys else {}
        jobs: List[Job] = []
        for key, result in found.items():
            if result == "current":
                jobs.append(("install", key))
            elif result == "gone":
                self.waiting.pop(key, None)
                if self.deletes and key in self.state.installed:
                    jobs.append(("remove", key))
        return {key for key, result in found.items() if result == "failed"} | self._carry_out(jobs, report)

    def _carry_out(self, jobs: List[Job], report: Report) -> Set[str]:
        """Does the jobs. Returns the keys that failed."""
        if not jobs:
            return set()
        # The web root is opened each time, because it may have been replaced by another folder.
        with opened(self.web_root) as root:
            return self._note(carry_out(jobs, root, self.bucket, self.state, report))

    def _note(self, results: Dict[Job, str]) -> Set[str]:
        """Records which files must be tried again, after all other waiting files. Returns the keys that failed."""
        for (action, key), result in results.items():
            self.waiting.pop(key, None)
            if result == "failed" or (result == "absent" and action == "install"):
                self.waiting[key] = action
        return {key for (_, key), result in results.items() if result == "failed"}
