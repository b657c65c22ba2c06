"""Hostile and unknown messages: the program drops each with a line in the log, and continues."""

import json
import random
import unittest

from following import Following, event, notification
from support import modules, rules, snapshot

ZZZ = "clients/zzz/.htaccess"
DEEP = 100_000


def record(**changes: object) -> str:
    """Returns a message with one record, some fields of which are replaced."""
    made = json.loads(event(ZZZ))["Records"][0]
    made.update(changes)
    return json.dumps({"Records": [made]})


def with_key(key: object) -> str:
    return record(s3={"bucket": {"name": "site-bucket"}, "object": {"key": key}})


# Messages without an output that can be installed, each with a part of the line in the log.
DROPPED = (
    ("nothing", " ", "the message is not JSON"),
    ("a word", "hello", "the message is not JSON"),
    ("the beginning of an event", event(ZZZ)[:100], "the message is not JSON"),
    ("two events", event(ZZZ) * 2, "the message is not JSON: Extra data"),
    ("a page", "<html><script>alert(1)</script>", "the message is not JSON"),
    ("escape sequences", "\x1b[2J\x1b]0;title\x07", "the message is not JSON"),
    ("deep lists", "[" * DEEP, "the message is not JSON: "),
    ("deep objects", '{"Records":' * DEEP, "the message is not JSON: "),
    ("a long number", "9" * DEEP, "the message is not JSON"),
    ("null", "null", "the message is not a JSON object"),
    ("a number", "42", "the message is not a JSON object"),
    ("a text", '"Records"', "the message is not a JSON object"),
    ("a list", "[]", "the message is not a JSON object"),
    ("an empty object", "{}", "it has no list Records"),
    ("records that are null", '{"Records": null}', "it has no list Records"),
    ("records that are an object", '{"Records": {"0": 1}}', "it has no list Records"),
    ("records that are a text", '{"Records": "s3"}', "it has no list Records"),
    ("a record that is null", '{"Records": [null]}', "a record contains no bucket or no key"),
    ("a record that is a text", '{"Records": ["s3"]}', "a record contains no bucket or no key"),
    ("a record that is a list", '{"Records": [["s3"]]}', "a record contains no bucket or no key"),
    ("a record of another service", '{"Records": [{"eventSource": "aws:dynamodb"}]}', "a record contains no bucket or no key"),
    ("an entity that is a text", record(s3="bucket"), "a record contains no bucket or no key"),
    ("no bucket", record(s3={"object": {"key": ZZZ}}), "a record contains no bucket or no key"),
    ("no key", record(s3={"bucket": {"name": "site-bucket"}, "object": {}}), "a record contains no bucket or no key"),
    ("another bucket", event(ZZZ, bucket="another"), "a record is about the bucket another: expected site-bucket"),
    ("a bucket with escape sequences", event(ZZZ, bucket="\x1b[2J\n"), "a record is about the bucket \\x1b[2J\\n"),
    ("a bucket that is an object", event(ZZZ).replace('"site-bucket"', "{}"), "a record is about the bucket dict"),
    ("a key that is a number", with_key(7), "the key int is not a string"),
    ("a key that is null", with_key(None), "the key NoneType is not a string"),
    ("a key that is a list", with_key([ZZZ]), "the key list is not a string"),
    ("a key that is not UTF-8", with_key("clients/%FF%FE/.htaccess"), "is not UTF-8"),
    ("a key with a surrogate", with_key("clients/\ud800/.htaccess"), "the key contains a control character"),
    ("an empty key", with_key(""), "the key starts or ends with a slash"),
    ("a key that leads out", with_key("../made/.htaccess"), "a segment . or .."),
    ("a key that leads to a neighbour", with_key("clients%2Fevil%2F..%2Fvictim%2F.htaccess"), "a segment . or .."),
    ("an absolute key", with_key("/etc/.htaccess"), "starts or ends with a slash"),
    ("a key that names a file", with_key("file:///etc/passwd"), "two slashes in a row"),
    ("a key that names a binary file", with_key("fileb:///etc/passwd"), "two slashes in a row"),
    ("a key with a line feed", with_key("clients%0A/.htaccess"), "the key contains a control character"),
    ("a key with an end of text", with_key("clients%00/.htaccess"), "the key contains a control character"),
    ("a key with a folder named .htaccess", with_key("clients/victim/.htaccess/.htaccess"), "a folder cannot have the name .htaccess"),
    ("a key of 64 KiB", with_key("k" * 65536 + "/.htaccess"), "the key is longer than 1,024 bytes"),
    ("a subscription", notification(event(ZZZ), "SubscriptionConfirmation"), "it is of the type SubscriptionConfirmation: expected Notification"),
    ("the end of a subscription", notification(event(ZZZ), "UnsubscribeConfirmation"), "it is of the type UnsubscribeConfirmation"),
    ("a type that is a number", '{"Type": 7}', "it is of the type int"),
    ("a notification without a text", '{"Type": "Notification"}', "the text of the notification is not JSON"),
    ("a notification of words", notification("hello"), "the text of the notification is not JSON"),
    ("a notification that is no text", notification({"Records": []}), "the text of the notification is not JSON"),
    ("a notification of deep lists", notification("[" * DEEP), "the text of the notification is not JSON"),
    ("a notification in a notification", notification(notification(event(ZZZ))), "it has no list Records"),
    ("an event of EventBridge", '{"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": "site-bucket"}}}', "it has no list Records"),
    ("ten thousand bad records", '{"Records": [' + ",".join(["{}"] * 10_000) + "]}", "and 9980 more failures"),
)
# Messages that are unusual but not errors: they are processed or ignored, without a line in the log.
STRANGE = (
    ("a key that does not exist", with_key("clients/nobody/.htaccess")),
    ("a key like an option", with_key("--output/.htaccess")),
    ("a key with broken escapes", with_key("%/%2/%zz/.htaccess")),
    ("a list of no records", '{"Records": []}'),
    ("an unknown event", record(eventName="ObjectExploded:Now")),
    ("an event without a name", record(eventName=None)),
    ("a size that is no number", record(size="x", eTag=[])),
    ("numbers that are none", event(ZZZ).replace('"size": 1', '"size": NaN')),
    ("other fields", json.dumps({**json.loads(event(ZZZ)), "Event": 7, "more": [[[]]]})),
    ("the same record a thousand times", event(*[ZZZ] * 1000)),
)


class Hostile(Following):
    def check(self, body: str) -> str:
        """Sends a message and then a valid one. Returns the program's messages."""
        self.number = getattr(self, "number", 0) + 1
        before = snapshot(self.machine)
        self.queue.send(body)
        self.tell(self.change("clients/aaa", f"{self.number}"))
        said = self.settle()
        self.assertEqual(self.text("clients/aaa"), f"{self.number}")
        self.assertEqual(self.queue.messages(), [])
        self.assert_unchanged(before, "clients/aaa/.htaccess")
        self.assertFalse((self.folder / "made").exists())
        return said

    def test_each_is_dropped_and_stops_nothing(self) -> None:
        self.follow("--delete")
        for name, body, says in DROPPED:
            with self.subTest(name):
                said = self.check(body)
                self.assertIn(says, said)
                lines = said.splitlines()
                self.assertEqual(len(lines), 21 if "ten thousand" in name else 1, said)
                for line in lines:
                    self.assertTrue(line.isprintable(), line)
                    self.assertLess(len(line), 1000)
                self.assertRegex(lines[0], r"^htaccess-sync: message [0-9-]+: dropped: ")
        self.assertEqual(self.stop(), "")

    def test_strange_ones(self) -> None:
        self.follow("--delete")
        for name, body in STRANGE:
            with self.subTest(name):
                self.assertEqual(self.check(body), "")
        self.assert_served("clients/zzz", "clients/victim", "clients/evil")

    def test_all_at_once(self) -> None:
        self.follow()
        for name, body, _ in DROPPED:
            self.queue.send(body)
        self.tell(self.change("clients/zzz", "new"))
        self.settle()
        self.assertEqual(self.text("clients/zzz"), "new")
        self.assertEqual(self.queue.messages(), [])

    def test_a_good_record_next_to_bad_ones(self) -> None:
        self.follow()
        key = self.change("clients/zzz", "new")
        records = [None, json.loads(event("../made/.htaccess"))["Records"][0], json.loads(event(key))["Records"][0], {}]
        self.queue.send(json.dumps({"Records": records}))
        self.assertEqual(self.settle().count("dropped: "), 3)
        self.assertEqual(self.text("clients/zzz"), "new")


class Parsing(unittest.TestCase):
    def test_no_random_message_raises_or_names_a_bad_key(self) -> None:
        messages, keys = modules("messages", "keys")
        source = random.Random(1)
        whole = [event(ZZZ), notification(event(ZZZ)), *(body for _, body, _ in DROPPED if len(body) < 5000), *(body for _, body in STRANGE[:9])]
        for _ in range(20_000):
            body = source.choice(whole)
            for _ in range(source.randint(1, 4)):
                at, length = source.randrange(len(body) + 1), source.choice((0, 1, 1, 2, 10))
                piece = source.choice(('"', "{", "}", "[", "]", "null", "7", "..", "/", "%", "%00", "\\ud800", ",", source.choice(whole)[:50]))
                body = body[:at] + piece + body[at + length :]
            found = messages.named(body, "site-bucket")
            for key in found.keys:
                self.assertEqual(keys.refusal(key, set()), "")
                self.assertEqual(key.rpartition("/")[2], ".htaccess")
            for problem in found.dropped:
                self.assertTrue(problem.isprintable())


if __name__ == "__main__":
    unittest.main()
