"""Reads the site bucket with the aws client."""

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

# The filters for `aws s3 sync`. Outputs are named .htaccess. The other filters exclude the keys that this program refuses,
# because the aws client would write to the path in the key. The client treats a pattern that begins with a slash as an
# absolute path, so the patterns do not.
FILTERS = (
    *("--exclude", "*", "--include", NAME, "--include", f"*/{NAME}"),
    *("--exclude", f"{NAME}/*", "--exclude", f"*/{NAME}/*", "--exclude", "[/]*", "--exclude", "*//*"),
    *("--exclude", "./*", "--exclude", "*/./*", "--exclude", "../*", "--exclude", "*/../*"),
    *("--exclude", "*[\x01-\x1f\x7f-\x9f]*"),
)
# The query that prints each object as one line of JSON, so that no character of a key can end the line. The client prints
# page by page.
LISTED = "Contents[].[to_string([Key,ETag,Size,LastModified])]"

# The start of the client's message for an object that does not exist. After any other failure, the object may exist.
NO_SUCH_KEY = "An error occurred (NoSuchKey)"
GONE = "it does not exist"


class Bucket:
    """The site bucket, read with the aws client."""

    def __init__(self, name: str, client: Client) -> None:
        self.name = name
        self.client = client
        self.signals = client.signals

    def objects(self) -> Dict[str, Object]:
        """Returns the ETag, size and time of each object, by key."""
        found = {}
        arguments = ("s3api", "list-objects-v2", "--bucket", self.name, "--output", "text", "--query", LISTED)
        with self.client.stream(*arguments, output=subprocess.PIPE) as (process, ended):
            for line in process.stdout:
                # For an empty page, the client prints the word None.
                if line.startswith(b"["):
                    key, *version = json.loads(line)
                    found[key] = version
            status, said = ended()
        # An incomplete listing must not be used, because with --delete, the files of all unlisted objects would be deleted.
        if self.signals.reason:
            raise Fatal(self.signals.reason)
        if status:
            raise Fatal(f"the bucket {shown(self.name)} cannot be listed: {said}")
        return found

    def fetch(self, report: Report) -> None:
        """Downloads the objects that the staging folder does not have. The client renames a file after it is complete."""
        source = f"s3://{self.name}/"
        arguments = ("s3", "sync", "--exact-timestamps", "--only-show-errors", *FILTERS, source, "site/")
        with self.client.stream(*arguments, output=subprocess.DEVNULL) as (_, ended):
            status, said = ended()
        if status and not self.signals.reason:
            report.fail(f"aws s3 sync ended with status {status}: {said}")

    def get(self, keys: Sequence[str]) -> Iterator[Tuple[str, Optional[Object], str]]:
        """Downloads single objects into the folder `incoming`. The name of each file is the index of its key.

        Yields each key with the ETag, size and time of the object, or with None and a text, which is GONE or the reason for
        a failure. After a signal, the last keys are missing.
        """
        shutil.rmtree("incoming", ignore_errors=True)
        os.mkdir("incoming")
        # No path that is passed to the client contains a key. The client would read a local file if a key were file://name,
        # but keys with two slashes in a row are refused earlier.
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

    The ETag, size and time of an object show whether it changed. `aws s3 sync` alone compares only the size and the time
    in seconds, so it would miss a second change within a second that does not change the size.
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

    The function reads the newest version of each object, so the order in which changes are noticed does not matter.
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
            # The file gets the time of the object, because `aws s3 sync` compares the times.
            os.utime(incoming(index), (time, time))
            os.makedirs(os.path.dirname(staged(key)), exist_ok=True)
            os.rename(incoming(index), staged(key))
            state.fetched[key] = changed[key]
    return found
