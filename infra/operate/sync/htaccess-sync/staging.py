"""The staging folder: the downloaded files, the record of earlier runs, and the lock."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Dict, List, Optional, Set

from report import Fatal, Report, reason, shown

Object = List[Any]


class State:
    """The program's record in the staging folder: the objects that were fetched, and the files that were installed."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        # For each file in the staging folder, the ETag, size and time of the object from which it was fetched.
        self.fetched: Dict[str, Object] = {}
        self.installed: Set[str] = set()
        self._text = ""

    @classmethod
    def load(cls, bucket: str, report: Report) -> State:
        state = cls(bucket)
        try:
            with open("state", encoding="ascii") as file:
                state._text = file.read()
            record = json.loads(state._text)
            state.installed = set(record["installed"])
            if record["bucket"] == bucket:
                state.fetched = record["fetched"]
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError) as err:
            report.fail(f"the file state in the staging folder is damaged ({err}): a new file was created, and --delete does not delete files from earlier runs")
        if not state.fetched:
            # The origin of the files is unknown, and their folders could prevent the aws client from writing.
            shutil.rmtree("site", ignore_errors=True)
        return state

    def is_current(self, key: str, version: Object) -> bool:
        """Returns whether the staging folder contains this version of an object."""
        known = self.fetched.get(key)
        if known is None or not os.path.lexists(staged(key)):
            return False
        return known == version or (known[:2] == version[:2] and moment(known[2]) == moment(version[2]))

    def forget(self, keys: Set[str]) -> None:
        """Discards fetched files. The record is saved first, so that it never lists a missing file after an interruption."""
        if not keys:
            return
        for key in keys:
            self.fetched.pop(key, None)
        self.save()
        for key in keys:
            discard(key)

    def save(self) -> None:
        text = json.dumps({"bucket": self.bucket, "installed": sorted(self.installed), "fetched": self.fetched})
        if text == self._text:
            return
        with open("state.new", "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename("state.new", "state")
        self._text = text


def enter_staging(path: str) -> int:
    """Makes the staging folder the current folder and locks it. Returns the lock's descriptor, or -1 if it is taken."""
    path = path.rstrip("/") or "/"
    try:
        os.makedirs(path, 0o700, exist_ok=True)
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as err:
        raise Fatal(f"{shown(path)} cannot be the staging folder: {reason(err)}; choose a folder, not a link") from err
    found = os.fstat(folder)
    if found.st_uid != os.geteuid():
        raise Fatal(f"the staging folder {shown(path)} belongs to another user (ID {found.st_uid}): choose or create another folder")
    if found.st_mode & 0o022:
        raise Fatal(f"other users can write to the staging folder {shown(path)}: empty it, and run: chmod 700 {shown(path)}")
    if found.st_mode & 0o777 != 0o700:
        os.fchmod(folder, 0o700)
    os.fchdir(folder)
    os.close(folder)
    # The lock is in the staging folder, so only this user can hold it.
    lock = os.open("lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return -1
    return lock


def moment(time: str) -> float:
    """Returns the time of an object in seconds. Version 1 of the aws client prints the text from S3, which has two forms."""
    return (parsedate_to_datetime(time) if "," in time else datetime.fromisoformat(time.replace("Z", "+00:00"))).timestamp()


def staged(key: str) -> bytes:
    """Returns the path of a file in the staging folder, always in UTF-8, independently of the locale."""
    return f"site/{key}".encode()


def discard(key: str) -> None:
    """Deletes a file in the staging folder, and the folders that become empty."""
    path = staged(key)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with contextlib.suppress(OSError):
        os.removedirs(os.path.dirname(path))


def staged_size(path: bytes) -> Optional[int]:
    try:
        return os.lstat(path).st_size
    except OSError:
        return None
