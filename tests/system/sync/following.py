"""A web server that follows its queue, for the tests of `htaccess-sync --queue`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable
from urllib.parse import quote_plus

from support import STANDINS, TIMEOUT_SECONDS, WebServer

sys.path.insert(0, str(STANDINS))
from fake_queue import FakeQueue

QUEUE_URL = "https://sqs.eu-central-1.amazonaws.com/000000000000/web-1"


def event(*keys: str, name: str = "ObjectCreated:Put", bucket: str = "site-bucket", etag: str = "0") -> str:
    """Returns an event as S3 sends it, with a record for each key."""
    records = []
    for key in keys:
        entity = {"key": quote_plus(key, safe="/", errors="surrogatepass"), "size": 1, "eTag": etag, "versionId": "v", "sequencer": "0"}
        records.append({
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-central-1", "eventTime": "2026-01-01T00:00:00.000Z",
            "eventName": name, "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"}, "object": entity},
        })
    return json.dumps({"Records": records})


def notification(message: object, kind: str = "Notification") -> str:
    """Returns a notification as SNS sends it without raw delivery."""
    return json.dumps({
        "Type": kind, "MessageId": "b", "TopicArn": "arn:aws:sns:eu-central-1:000000000000:sites", "Subject": "Amazon S3 Notification",
        "Message": message, "Timestamp": "2026-01-01T00:00:00.000Z", "SignatureVersion": "1", "Signature": "c", "SigningCertURL": "https://d",
    })


# Runs the program with a change in its code, in a separate process.
CHANGED = """
import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {here!r}); sys.argv[1:3] = []
from support import modules
import os, signal, time
run, follower, signals, worker = modules("run", "follower", "signals", "worker")
{change}
sys.exit(run.main(sys.argv[1:]))
"""


def changed(change: str) -> tuple:
    """Returns the start of a command that runs the program with a change, such as shorter times."""
    text = CHANGED.format(here=str(Path(__file__).parent.resolve()), change=change)
    return (sys.executable, "-c", text)


class Following(WebServer):
    """A web server with some sites and a queue. The program's messages are written to the file `said`."""

    def setUp(self) -> None:
        super().setUp()
        self.queue = FakeQueue(self.folder / "queue")
        self.said = self.folder / "said"
        self.program = None

    def environment(self) -> dict:
        return {**super().environment(), "FAKE_QUEUE": str(self.queue.folder), "FAKE_QUEUE_URL": QUEUE_URL}

    def follow(self, *options: str, before: tuple = (), is_idle: bool = True) -> None:
        """Starts the program, and by default waits until the first comparison is complete and the program polls for
        messages."""
        self.queue.forget_client()
        command = [*before, *self.command("--queue", QUEUE_URL, *options)]
        with open(self.said, "ab") as said:
            self.program = subprocess.Popen(command, stdout=said, stderr=said, env=self.environment(), start_new_session=True)
        self.addCleanup(self.kill)
        if is_idle:
            self.settle()

    def kill(self) -> None:
        if self.program.poll() is None:
            os.killpg(self.program.pid, signal.SIGKILL)
            self.program.wait()

    def wait_until(self, what: Callable[[], bool]) -> None:
        until = time.monotonic() + TIMEOUT_SECONDS
        while not what():
            if self.program.poll() is not None:
                self.fail(f"the program ended with status {self.program.returncode}: {self.said.read_text()}")
            if time.monotonic() > until:
                self.fail(f"waited in vain: {self.said.read_text()} {self.queue.messages()}")
            time.sleep(0.02)

    def settle(self) -> str:
        """Waits until the program has nothing left to do. Returns its messages since the last call."""
        self.wait_until(self.queue.is_idle)
        return self.heard()

    def heard(self) -> str:
        text = self.said.read_text()
        self.said.write_text("")
        self.assertNotIn("Traceback", text)
        return text

    def stop(self, number: int = signal.SIGTERM, status: int = 0) -> str:
        """Ends the program. Returns its messages since the last call."""
        self.program.send_signal(number)
        self.assertEqual(self.program.wait(TIMEOUT_SECONDS), status, self.said.read_text())
        return self.heard()

    def change(self, site: str, body: str, **version: str) -> str:
        """Publishes an output. Returns its key."""
        key = f"{site}/.htaccess"
        self.publish(key, body, **version)
        self.save_bucket()
        return key

    def tell(self, *keys: str, **event_fields: str) -> None:
        """Sends a message for each key."""
        for key in keys:
            self.queue.send(event(key, **event_fields))

    def got(self) -> list:
        """Returns the aws client's calls since the last call, except polls."""
        return sorted(call for call in self.calls() if call != "sqs receive-message")
