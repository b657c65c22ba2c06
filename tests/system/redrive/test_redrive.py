"""Tests infra/operate/redrive.py with a queue that contains hostile messages."""

import json
import os
import subprocess
import sys
import tempfile
import unicodedata
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "infra" / "operate" / "redrive.py"
STANDINS = Path(__file__).parent
# After this time, a run counts as hung.
TIMEOUT_SECONDS = 120


def event(key: object) -> dict:
    return {"Records": [{"s3": {"bucket": {"name": "uploads"}, "object": {"key": key}}}]}


def record(request: object, response: object = None, context: object = None) -> str:
    """Returns the record that Lambda writes for a failure."""
    response = {"errorType": "NoSuchBucket", "errorMessage": "gone"} if response is None else response
    context = {"condition": "RetriesExhausted"} if context is None else context
    return json.dumps({"requestContext": context, "requestPayload": request, "responsePayload": response})


DEEP = 5_000
# Messages that contain no event to send again.
NO_EVENT = {
    "empty": "",
    "text": "hello",
    "cut off": '{"Records": [',
    "deep list": "[" * DEEP + "]" * DEEP,
    "deep object": '{"a":' * DEEP + "1" + "}" * DEEP,
    "deep in a record": '{"requestContext": {}, "requestPayload": ' + '{"a":' * DEEP + "1" + "}" * DEEP + "}",
    "a number": "1e999",
    "a long number": "9" * 100_000,
    "too large a number inside": '{"requestPayload": {"size": 1e999}}',
    "no number": '{"requestPayload": {"size": NaN}}',
    "a list": "[1, 2]",
    "a null": "null",
    "a string": '"{}"',
    "a request that is a string": record("x"),
    "a request that is a list": record([event("a.csv")]),
    "a request that is null": '{"requestContext": {}, "requestPayload": null}',
}
# Messages whose event can be sent, although other parts are wrong.
ODD = {
    "a response that is a string": record(event("odd-1.csv"), "boom"),
    "a response that is a list": record(event("odd-2.csv"), ["boom"]),
    "a context that is a string": record(event("odd-3.csv"), None, "boom"),
    "an error that is an object": record(event("odd-4.csv"), {"errorType": {"a": 1}, "errorMessage": ["x" * 100_000]}),
    "a key that is an object": record(event({"key": {"key": ["odd-5.csv"]}})),
    "a key that is a number": record(event(10**4_000)),
    "many keys": record({"Records": [event(f"odd-6-{n}.csv") for n in range(10_000)]}),
    "a long key": record(event("k" * 200_000)),
    "controls": record(event("a\x00\x1b[31m\r\n\x9b31m\u202e\u2066b.csv"), {"errorType": "\x1b]0;owned\x07", "errorMessage": "\u202e"}),
    "half a character": record(event("\ud800\udfff\udc00.csv")),
    "an event in a text": record({"Records": [{"body": json.dumps(event("odd-7.csv"))}]}),
    "a broken text": record({"Records": [{"body": '{"a":' * DEEP}]}),
    "an event as deep as possible": record(json.loads('{"a":' * 400 + "1" + "}" * 400)),
}
GOOD = {f"good {n}": record(event(f"clients/site-{n}.csv")) for n in range(12)}


class Redrive(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name, "queue.json")
        # Hostile messages are at the beginning, in the middle and at the end.
        hostile = list((NO_EVENT | ODD).items())
        mixed = dict(hostile[:12] + list(GOOD.items())[:5] + hostile[12:] + list(GOOD.items())[5:])
        self.write(messages=mixed, hidden=[], sent=[], fails=[])

    def write(self, **queue: object) -> None:
        self.file.write_text(json.dumps(queue), encoding="utf-8")

    def queue(self) -> dict:
        return json.loads(self.file.read_text(encoding="utf-8"))

    def redrive(self, *arguments: str, status: int, **variables: str) -> tuple[str, str]:
        environment = {**os.environ, "PATH": f"{STANDINS}:{os.environ['PATH']}", "QUEUE_FILE": str(self.file), **variables}
        environment.pop("AWS_ENDPOINT_URL", None)
        command = [sys.executable, PROGRAM, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
        printed = [stream.decode("utf-8") for stream in (done.stdout, done.stderr)]
        self.assertEqual(done.returncode, status, printed)
        for text in printed:
            self.assertNotIn("Traceback", text)
            bad = {char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
            self.assertEqual(bad, set(), text)
            longest = max(map(len, text.split("\n")))
            self.assertLess(longest, 3_000)
        return printed[0], printed[1]

    def test_hostile_messages_are_reported_and_stay_and_all_others_are_sent(self) -> None:
        _, errors = self.redrive(status=1)
        queue = self.queue()
        self.assertEqual(set(queue["messages"]), set(NO_EVENT))
        self.assertEqual(queue["hidden"], [])
        self.assertEqual(len(queue["sent"]), len(GOOD) + len(ODD))
        for number in range(12):
            self.assertIn(event(f"clients/site-{number}.csv"), map(json.loads, queue["sent"]))
        for name in NO_EVENT:
            self.assertIn(f"the message {name} contains no event", errors)
        self.assertIn(f"{len(GOOD) + len(ODD)} sent again, {len(NO_EVENT)} left in the queue", errors)

    def test_events_are_sent_unchanged(self) -> None:
        self.redrive(status=1)
        sent = [json.loads(text) for text in self.queue()["sent"]]
        for name in ("controls", "half a character", "a key that is a number", "an event as deep as possible"):
            self.assertIn(json.loads(ODD[name])["requestPayload"], sent, name)

    def test_a_look_shows_every_message_and_keeps_it(self) -> None:
        shown, errors = self.redrive("--show", status=0)
        everything = len(NO_EVENT) + len(ODD) + len(GOOD)
        self.assertEqual(len(shown.splitlines()), everything)
        self.assertIn(f"{everything} in the queue", errors)
        self.assertIn("NoSuchBucket: gone  clients/site-0.csv\n", shown)
        queue = self.queue()
        self.assertEqual((len(queue["messages"]), queue["hidden"], queue["sent"]), (everything, [], []))

    def test_an_error_of_the_client_keeps_the_message_and_is_printed_without_controls(self) -> None:
        self.write(messages=GOOD, hidden=[], sent=[], fails=["site-3."])
        _, errors = self.redrive(status=1)
        self.assertEqual(set(self.queue()["messages"]), {"good 3"})
        self.assertEqual(self.queue()["hidden"], [])
        self.assertIn("not sent, because of an error: ", errors)
        self.assertIn("11 sent again, 1 left", errors)

    def test_an_empty_queue_is_no_failure(self) -> None:
        self.write(messages={}, hidden=[], sent=[], fails=[])
        self.redrive(status=0)
        self.write(messages=GOOD, hidden=[], sent=[], fails=[])
        self.redrive(status=0)
        self.assertEqual(self.queue()["messages"], {})

    def test_a_locale_without_utf_8_does_not_end_the_run(self) -> None:
        self.write(messages={"accents": record(event("café.csv"))}, hidden=[], sent=[], fails=[])
        shown, _ = self.redrive("--show", status=0, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
        self.assertIn("caf\\xe9.csv", shown)


if __name__ == "__main__":
    unittest.main()
