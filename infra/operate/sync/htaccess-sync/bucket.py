"""The site bucket, read with the aws client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Dict, Iterator, Optional, Sequence, Set, Tuple

from client import Client
from keys import NAME
from report import Fatal, Report, shown
from staging import Object, State, moment, staged, staged_size

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

# The beginning of the client's message about an object that does not exist. Other failures say nothing about the object.
NO_SUCH_KEY = "An error occurred (NoSuchKey)"
GONE = "it does not exist"


class Bucket:
    """The site bucket, read with the aws client."""

    def __init__(self, name: str, client: Client) -> None:
        self.name = name
        self.client = client
        self.signals = client.signals

    def objects(self) -> Dict[str, Object]:
        """Returns the ETag, size and time of each object by its key."""
        found = {}
        arguments = ("s3api", "list-objects-v2", "--bucket", self.name, "--output", "text", "--query", LISTED)
        with self.client.stream(*arguments, output=subprocess.PIPE) as (process, ended):
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
        arguments = ("s3", "sync", "--exact-timestamps", "--only-show-errors", *FILTERS, source, "site/")
        with self.client.stream(*arguments, output=subprocess.DEVNULL) as (_, ended):
            status, said = ended()
        if status and not self.signals.reason:
            report.fail(f"aws s3 sync ended with status {status}: {said}")

    def get(self, keys: Sequence[str]) -> Iterator[Tuple[str, Optional[Object], str]]:
        """Downloads single objects, each into the file of its index in the folder `incoming`.

        Yields the key and the ETag, size and time of an object, or nothing and a text: GONE, or the reason of a failure.
        After a signal, the last keys are missing.
        """
        shutil.rmtree("incoming", ignore_errors=True)
        os.mkdir("incoming")
        # The client gets no path that a key names. It would read the file that a key such as file://name names, but a key
        # with two slashes in a row is refused before.
        output = ("--output", "json", "--query", "[ETag,ContentLength,LastModified]")
        calls = [
            ("s3api", "get-object", "--bucket", self.name, f"--key={key}", *output, incoming(index))
            for index, key in enumerate(keys)
        ]
        for index, (key, answer) in enumerate(zip(keys, self.client.answers(calls))):
            if answer.status:
                yield key, None, GONE if NO_SUCH_KEY in answer.said else answer.said
                continue
            etag, size, time = json.loads(answer.output)
            if staged_size(incoming(index).encode()) == size:
                yield key, [etag, size, time], ""
            else:
                yield key, None, "its download is not complete"


def incoming(index: int) -> str:
    return f"incoming/{index}"


def refresh(state: State, objects: Dict[str, Object], bucket: Bucket, report: Report) -> Set[str]:
    """Brings the staging folder up to date with the bucket. Returns the keys whose files are current.

    The ETag, size and time tell whether an object changed. `aws s3 sync` alone compares size and time, and a time has
    only seconds: it would miss a second change of the same size within a second.
    """
    stale = {key for key, version in objects.items() if not state.is_current(key, version)}
    old = {key for key in state.fetched if key not in objects}
    state.forget(stale | old)
    if stale:
        os.makedirs("site", exist_ok=True)
        bucket.fetch(report)
    for key in sorted(stale):
        size = staged_size(staged(key))
        if size == objects[key][1]:
            state.fetched[key] = objects[key]
        elif not bucket.signals.reason:
            problem = "was not fetched" if size is None else "changed while it was fetched"
            report.fail(f"{shown(key)}: it {problem}: the next run tries again")
    state.save()
    return set(state.fetched)


def refresh_named(state: State, keys: Set[str], bucket: Bucket, report: Report) -> Dict[str, str]:
    """Brings the files of single keys up to date with the bucket. Returns `current`, `gone` or `failed` for each key.

    It reads the newest version of an object, so the order in which changes are noticed does not matter.
    """
    ordered = sorted(keys)
    found = {key: "failed" for key in ordered}
    changed: Dict[str, Object] = {}
    for key, version, problem in bucket.get(ordered):
        if version:
            found[key] = "current"
            if not state.is_current(key, version):
                changed[key] = version
        elif problem == GONE:
            found[key] = "gone"
        elif not bucket.signals.reason:
            report.fail(f"{shown(key)}: it was not fetched: {problem}")
    state.forget({*changed, *(key for key in ordered if found[key] == "gone")})
    for index, key in enumerate(ordered):
        if key in changed:
            time = moment(changed[key][2])
            # `aws s3 sync` compares the time.
            os.utime(incoming(index), (time, time))
            os.makedirs(os.path.dirname(staged(key)), exist_ok=True)
            os.rename(incoming(index), staged(key))
            state.fetched[key] = changed[key]
    return found
