"""A queue in a folder, with the parts of SQS that htaccess-sync needs: long polling, visibility, receipts and
redelivery.

The tests and the stand-in for the aws client share this module. Each message is a file. The file `polling` exists
while a client waits and no message is visible.
"""

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import Iterator, List

PAUSE_SECONDS = 0.02


class FakeQueue:
    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        self.folder.mkdir(exist_ok=True)
        with open(self.folder / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def messages(self) -> List[dict]:
        """Returns all messages that are not deleted, the oldest first."""
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))]

    def send(self, body: str) -> str:
        with self.locked():
            number = f"{len(os.listdir(self.folder)):06}-{time.monotonic_ns()}"
            self._write({"id": number, "body": body, "visible": 0, "count": 0})
            return number

    def receive(self, limit: int, wait: int, visibility: float) -> List[list]:
        """Returns the ID, the receipt and the body of visible messages, and hides these messages for `visibility`
        seconds."""
        until = time.monotonic() + wait
        while True:
            with self.locked():
                found = [message for message in self.messages() if message["visible"] <= time.time()][:limit]
                for message in found:
                    message["visible"] = time.time() + visibility
                    message["count"] += 1
                    self._write(message)
                is_over = found or time.monotonic() >= until
                self._mark(bool(wait) and not is_over)
                if is_over:
                    return [[message["id"], f"{message['id']}#{message['count']}", message["body"]] for message in found]
            time.sleep(PAUSE_SECONDS)

    def delete(self, receipt: str) -> None:
        with self.locked():
            (self.folder / f"{receipt.split('#')[0]}.json").unlink(missing_ok=True)

    def is_idle(self) -> bool:
        """Returns whether a client is polling and no message is visible."""
        with self.locked():
            is_visible = any(message["visible"] <= time.time() for message in self.messages())
            return not is_visible and (self.folder / "polling").exists()

    def forget_client(self) -> None:
        """Removes the polling mark of a client that was killed."""
        self._mark(False)

    def _mark(self, polling: bool) -> None:
        path = self.folder / "polling"
        if polling:
            path.touch()
        else:
            path.unlink(missing_ok=True)

    def _write(self, message: dict) -> None:
        # Write and rename, because `messages` reads without the lock.
        path = self.folder / f"{message['id']}.json"
        path.with_suffix(".new").write_text(json.dumps(message))
        os.rename(path.with_suffix(".new"), path)
