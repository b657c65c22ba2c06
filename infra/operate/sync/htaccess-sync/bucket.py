"""The site bucket, read with the aws client."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from typing import Any, Callable, Dict, Iterator, Set, Tuple

from keys import NAME
from report import Fatal, Report, shown
from signals import Signals
from staging import Object, State, discard, staged, staged_size

# Outputs are named .htaccess. Keys that are refused below must not reach the aws client, because it would write to the
# path that a key names. A pattern that begins with a slash would be an absolute path for the client.
FILTERS = (
    *("--exclude", "*", "--include", NAME, "--include", f"*/{NAME}"),
    *("--exclude", f"{NAME}/*", "--exclude", f"*/{NAME}/*", "--exclude", "[/]*", "--exclude", "*//*"),
    *("--exclude", "./*", "--exclude", "*/./*", "--exclude", "../*", "--exclude", "*/../*"),
    *("--exclude", "*[\x01-\x1f\x7f-\x9f]*"),
)
# One object in a line of JSON, so that no character of a key can end the line. The client prints page by page.
LISTED = "Contents[].[to_string([Key,ETag,Size,LastModified])]"


class Bucket:
    """The site bucket, read with the aws client."""

    def __init__(self, name: str, lock: int, signals: Signals) -> None:
        self.name = name
        self.lock = lock
        self.signals = signals

    def objects(self) -> Dict[str, Object]:
        """Returns the ETag, size and time of each object by its key."""
        found = {}
        arguments = ("s3api", "list-objects-v2", "--bucket", self.name, "--output", "text", "--query", LISTED)
        with self._aws(*arguments, stdout=subprocess.PIPE) as (process, ended):
            for line in process.stdout:
                # An empty page is the word None.
                if line.startswith(b"["):
                    key, *version = json.loads(line)
                    found[key] = version
            status, said = ended()
        # A listing that is not complete must not be used, because --delete would delete the others.
        if self.signals.reason:
            raise Fatal(self.signals.reason)
        if status:
            raise Fatal(f"the bucket {shown(self.name)} cannot be listed: {said}")
        return found

    def fetch(self, report: Report) -> None:
        """Downloads what the staging folder does not have. The client renames a file after it is complete."""
        source = f"s3://{self.name}/"
        with self._aws("s3", "sync", "--exact-timestamps", "--only-show-errors", *FILTERS, source, "site/", stdout=subprocess.DEVNULL) as (_, ended):
            status, said = ended()
        if status and not self.signals.reason:
            report.fail(f"aws s3 sync ended with status {status}: {said}")

    @contextlib.contextmanager
    def _aws(self, *arguments: str, **streams: Any) -> Iterator[Tuple[subprocess.Popen, Callable[[], Tuple[int, str]]]]:
        # The client holds the lock too, because it writes to the staging folder as long as it runs.
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "AWS_PAGER": ""}
        with tempfile.TemporaryFile(dir=".") as errors, subprocess.Popen(
            ["aws", *(argument.encode(errors="surrogateescape") for argument in arguments)], stdin=subprocess.DEVNULL, stderr=errors, pass_fds=(self.lock,), env=environment, **streams
        ) as process:

            def ended() -> Tuple[int, str]:
                status = process.wait()
                errors.seek(0)
                return status, shown(errors.read(4096).decode(errors="replace").strip().replace("\n", "; "))

            with self.signals.child(process.terminate):
                yield process, ended


def refresh(state: State, objects: Dict[str, Object], bucket: Bucket, report: Report) -> Set[str]:
    """Brings the staging folder up to date with the bucket. Returns the keys whose files are current.

    The ETag, size and time tell whether an object changed. `aws s3 sync` alone compares size and time, and a time has
    only seconds: it would miss a second change of the same size within a second.
    """
    stale = {key for key, version in objects.items() if state.fetched.get(key) != version or not os.path.lexists(staged(key))}
    old = {key for key in state.fetched if key not in objects}
    # The record is changed before the files are, so that after an interruption it never names a file that it has not.
    state.fetched = {key: version for key, version in state.fetched.items() if key not in stale and key not in old}
    state.save()
    for key in stale | old:
        discard(key)
    if stale:
        os.makedirs("site", exist_ok=True)
        bucket.fetch(report)
    for key in sorted(stale):
        size = staged_size(staged(key))
        if size == objects[key][1]:
            state.fetched[key] = objects[key]
        elif not bucket.signals.reason:
            problem = "was not fetched" if size is None else "changed while it was fetched"
            report.fail(f"{shown(key)}: it {problem}: the next run fetches it again")
    state.save()
    return set(state.fetched)
