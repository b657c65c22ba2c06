"""`htaccess-sync --queue` installs each change once and in its newest version, and loses no message."""

import json
import os
import signal
import time
import unittest

from following import QUEUE_URL, Following, changed, event, notification
from support import EARLIER, rules, snapshot

ALL = ("clients/aaa", "clients/evil", "clients/victim", "clients/zzz")
GET = "s3api get-object"
LIST = "s3api list-objects-v2"
DELETE = "sqs delete-message-batch"


class Changes(Following):
    def test_a_change_is_installed_alone(self) -> None:
        self.follow()
        self.assert_served(*ALL)
        self.calls()
        before = snapshot(self.machine)
        self.tell(self.change("clients/zzz", "new"))
        self.assertEqual(self.settle(), "")
        self.assertEqual(self.text("clients/zzz"), "new")
        self.assertEqual(self.got(), [GET, DELETE])
        self.assertEqual(self.queue.messages(), [])
        self.assert_unchanged(before, "clients/zzz/.htaccess")

    def test_every_form_of_a_message(self) -> None:
        self.follow()
        for number, form in enumerate((lambda text: text, notification)):
            for event_name in ("ObjectCreated:Put", "ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Copy"):
                body = f"{number} {event_name}"
                self.queue.send(form(event(self.change("clients/zzz", body), name=event_name)))
                self.assertEqual(self.settle(), "")
                self.assertEqual(self.text("clients/zzz"), body)
        self.calls()
        test_event = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "site-bucket"})
        for form in (lambda text: text, notification):
            self.queue.send(form(test_event))
        self.assertEqual(self.settle(), "")
        self.assertEqual(set(self.got()), {DELETE})
        self.assertEqual(self.queue.messages(), [])

    def test_unusual_keys(self) -> None:
        self.follow()
        sites = ("kunden/Müller & Söhne", "a b/c'd\"e", "-rf", "--output", "*", "a+b", "100%", "日本", "a\\b", "[/]", "e" * 255)
        for site in sites:
            (self.web / site).mkdir(parents=True)
            self.change(site, rules(site))
        self.change(".", rules("."))
        self.publish(".htaccess", rules("."))
        self.save_bucket()
        self.queue.send(event(".htaccess", *(f"{site}/.htaccess" for site in sites)))
        self.assertEqual(self.settle(), "")
        self.assert_served(*sites, ".")

    def test_other_names_are_skipped(self) -> None:
        self.follow()
        self.calls()
        before = snapshot(self.machine)
        self.publish("clients/victim/index.html", "<h1>replaced</h1>")
        self.save_bucket()
        self.tell("clients/victim/index.html", "clients/victim.conf")
        self.assertEqual(self.settle(), "")
        self.assertEqual(set(self.got()), {DELETE})
        self.assert_unchanged(before)

    def test_a_site_that_is_not_here_yet(self) -> None:
        self.follow(before=changed("follower.RETRY_SECONDS = 1"))
        self.tell(self.change("clients/elsewhere", rules("elsewhere")))
        self.assertEqual(self.settle(), "")
        self.assertEqual(self.queue.messages(), [])
        self.assertFalse((self.web / "clients" / "elsewhere").exists())
        self.calls()
        (self.web / "clients" / "elsewhere").mkdir()
        # The program tries the site again after the next message or poll.
        time.sleep(1)
        self.tell(self.change("clients/zzz", "new"))
        self.wait_until((self.web / "clients" / "elsewhere" / ".htaccess").exists)
        self.settle()
        self.assertEqual(self.text("clients/elsewhere"), rules("elsewhere"))
        self.assertEqual(self.got(), [GET, DELETE])

    def test_nothing_is_fetched_again_by_the_next_comparison(self) -> None:
        for client in (1, 2):
            with self.subTest(client=client):
                self.bucket["client"] = client
                self.follow()
                self.tell(self.change("clients/zzz", f"client {client}", time="2026-02-03T04:05:06+00:00"))
                self.settle()
                self.stop()
                self.calls()
                self.assertEqual(self.sync(), "")
                self.assertEqual(self.calls(), [LIST])

    def test_a_web_root_that_is_replaced(self) -> None:
        (self.machine / "www").symlink_to("web")
        self.web = self.machine / "www"
        self.follow()
        (self.machine / "web").rename(self.machine / "old")
        for site in ALL:
            (self.machine / "web" / site).mkdir(parents=True)
        self.tell(self.change("clients/zzz", "new"))
        self.wait_until((self.machine / "web" / "clients" / "zzz" / ".htaccess").exists)
        self.assertNotEqual((self.machine / "old" / "clients" / "zzz" / ".htaccess").read_text(), "new")


class Order(Following):
    def test_duplicates_are_fetched_once(self) -> None:
        self.follow()
        self.calls()
        key = self.change("clients/zzz", "new")
        # Stop the program, so that it receives all messages at once.
        os.kill(self.program.pid, signal.SIGSTOP)
        self.queue.send(event(key, key, key))
        for _ in range(7):
            self.queue.send(event(key))
        self.queue.send(notification(event(key)))
        os.kill(self.program.pid, signal.SIGCONT)
        self.assertEqual(self.settle(), "")
        self.assertEqual(self.text("clients/zzz"), "new")
        self.assertLessEqual(self.got().count(GET), 2)
        self.assertEqual(self.queue.messages(), [])

    def test_a_late_message_brings_no_older_version_back(self) -> None:
        self.follow()
        key = self.change("clients/zzz", "newest", etag="newest")
        self.tell(key, etag="newest")
        self.settle()
        for late in ("oldest", "newest", "middle"):
            self.tell(key, etag=late)
            self.assertEqual(self.settle(), "")
            self.assertEqual(self.text("clients/zzz"), "newest")
        # A message for an unchanged file does not cause a replacement.
        inode = (self.web / key).stat().st_ino
        self.tell(key)
        self.settle()
        self.assertEqual((self.web / key).stat().st_ino, inode)

    def test_a_message_about_a_version_that_is_already_replaced(self) -> None:
        self.follow()
        key = self.change("clients/zzz", "second", etag="second")
        self.tell(key, etag="first")
        self.settle()
        self.assertEqual(self.text("clients/zzz"), "second")

    def test_bytes_that_come_back(self) -> None:
        self.follow()
        for body in ("a", "b", "a", "b"):
            key = self.change("clients/zzz", body)
            self.tell(key)
            self.settle()
            self.assertEqual(self.text("clients/zzz"), body)

    def test_a_delete_and_a_create_in_either_order(self) -> None:
        self.follow("--delete")
        for names in (("ObjectRemoved:Delete", "ObjectCreated:Put"), ("ObjectCreated:Put", "ObjectRemoved:DeleteMarkerCreated")):
            for is_published in (True, False):
                with self.subTest(names=names, is_published=is_published):
                    key = self.change("clients/zzz", rules("clients/zzz"))
                    if not is_published:
                        self.unpublish(key)
                        self.save_bucket()
                    for name in names:
                        self.tell(key, name=name)
                    self.assertEqual(self.settle(), "")
                    self.assertEqual((self.web / key).exists(), is_published)

    def test_the_newest_version_wins_in_every_schedule(self) -> None:
        """Random changes, each with one to three messages, some of which have an outdated ETag."""
        import random

        source = random.Random(7)
        self.follow()
        for number in range(30):
            site = source.choice(ALL)
            key = self.change(site, f"{number}")
            for _ in range(source.choice((1, 1, 2, 3))):
                self.tell(key, etag=source.choice(("old", "new")))
            if source.random() < 0.3:
                self.settle()
        self.assertEqual(self.settle(), "")
        for item in self.bucket["objects"]:
            self.assertEqual((self.web / item["key"]).read_text(), item["body"])


class Redelivery(Following):
    def test_a_download_that_fails_is_left_for_redelivery(self) -> None:
        self.bucket["visibility"] = 1
        self.follow()
        evil, zzz = self.change("clients/evil", "new"), self.change("clients/zzz", "new")
        self.bucket["broken"] = [evil]
        self.save_bucket()
        before = (self.web / evil).read_text()
        self.tell(evil, zzz)
        self.wait_until(lambda: [message["count"] for message in self.queue.messages()] == [3])
        said = self.heard()
        self.assertIn("clients/evil/.htaccess: it was not fetched: Connection was closed", said)
        self.assertEqual(self.text("clients/zzz"), "new")
        self.assertEqual((self.web / evil).read_text(), before)
        self.bucket["broken"] = []
        self.save_bucket()
        self.wait_until(lambda: not self.queue.messages())
        self.assertEqual(self.text("clients/evil"), "new")

    def test_a_message_with_several_keys_waits_for_all_of_them(self) -> None:
        self.follow()
        evil, zzz = self.change("clients/evil", "new"), self.change("clients/zzz", "new")
        self.bucket["broken"] = [evil]
        self.save_bucket()
        self.queue.send(event(evil, zzz))
        self.settle()
        self.assertEqual(self.text("clients/zzz"), "new")
        self.assertEqual(len(self.queue.messages()), 1)

    def test_a_file_that_cannot_be_installed_is_left_for_redelivery(self) -> None:
        self.follow()
        (self.evil / ".htaccess").unlink()
        (self.evil / ".htaccess").mkdir()
        self.tell(self.change("clients/evil", "new"), self.change("clients/zzz", "new"))
        self.assertIn("clients/evil/.htaccess: a folder is in the place of the file", self.settle())
        self.assertEqual(self.text("clients/zzz"), "new")
        self.assertEqual([message["count"] for message in self.queue.messages()], [1])

    def test_a_message_is_deleted_after_its_file_is_in_place(self) -> None:
        """If the program is killed before it deletes the message, it receives the message again."""
        self.bucket["visibility"] = 1
        kill = "from server_queue import Queue\nQueue.delete = lambda *_: os.kill(os.getpid(), signal.SIGKILL)"
        self.follow(before=changed(f"sys.path.insert(0, os.environ['HTACCESS_SYNC'])\n{kill}"))
        self.tell(self.change("clients/zzz", "new"))
        self.program.wait()
        self.assertEqual(self.text("clients/zzz"), "new")
        self.assertEqual(len(self.queue.messages()), 1)
        self.follow(is_idle=False)
        self.wait_until(lambda: not self.queue.messages())
        self.assertEqual(self.text("clients/zzz"), "new")

    def test_deletes_that_fail_are_reported(self) -> None:
        self.follow()
        self.bucket.update(status=254, says="An error occurred (AccessDenied)", fails=["delete-message-batch"])
        self.tell(self.change("clients/zzz", "new"))
        self.assertIn("messages were not deleted from the queue, so they will be received again: An error occurred (AccessDenied)", self.settle())
        self.assertEqual(self.text("clients/zzz"), "new")
        self.assertEqual(len(self.queue.messages()), 1)

    def test_a_failure_is_no_delete(self) -> None:
        """A file is deleted only if its object does not exist, and not if the object cannot be read."""
        self.follow("--delete")
        for says in ("An error occurred (AccessDenied)", "An error occurred (NoSuchBucket)", "(NoSuchKey)", ""):
            with self.subTest(says=says):
                self.bucket.update(status=254, says=says, fails=["get-object"])
                self.save_bucket()
                self.tell("clients/zzz/.htaccess", name="ObjectRemoved:Delete")
                self.assertIn("clients/zzz/.htaccess: it was not fetched", self.settle())
                self.assert_served("clients/zzz")

    def test_a_queue_that_cannot_be_read(self) -> None:
        """While the queue cannot be read, the program compares the whole bucket instead."""
        self.follow(before=changed("follower.RETRY_SECONDS = 1"))
        self.bucket.update(status=254, says="An error occurred (QueueDoesNotExist)", fails=["receive-message"])
        self.change("clients/zzz", "without a message")
        # This message ends the current poll, which started before the failures.
        self.tell("clients/aaa/.htaccess")
        self.wait_until(lambda: self.text("clients/zzz") == "without a message")
        said = self.heard()
        self.assertIn(f"the queue {QUEUE_URL} cannot be read: An error occurred (QueueDoesNotExist)", said)
        del self.bucket["status"]
        self.tell(self.change("clients/zzz", "with a message"))
        self.settle()
        self.assertEqual(self.text("clients/zzz"), "with a message")
        self.assertEqual(self.queue.messages(), [])

    def test_a_bucket_that_cannot_be_listed(self) -> None:
        """The program still processes messages, because it can read the objects."""
        self.bucket.update(status=254, says="An error occurred (AccessDenied)", fails=["list-objects-v2"])
        self.follow("--delete", before=changed("follower.RETRY_SECONDS = 1"), is_idle=False)
        self.assertIn("cannot be listed: An error occurred (AccessDenied)", self.settle())
        self.tell("clients/zzz/.htaccess")
        self.settle()
        self.assert_served("clients/zzz")
        del self.bucket["status"]
        self.save_bucket()
        time.sleep(1)
        self.queue.send("a message that ends the poll")
        self.wait_until((self.web / "clients" / "aaa" / ".htaccess").exists)
        self.settle()
        self.assert_served(*ALL)


class Deletes(Following):
    def test_nothing_without_the_option(self) -> None:
        self.follow()
        for site in ALL:
            self.unpublish(f"{site}/.htaccess")
        self.save_bucket()
        self.tell(*(f"{site}/.htaccess" for site in ALL), name="ObjectRemoved:Delete")
        self.assertEqual(self.settle(), "")
        self.assert_served(*ALL)
        self.assertEqual(self.queue.messages(), [])

    def test_only_what_it_installed(self) -> None:
        (self.web / "other").mkdir()
        (self.web / "other" / ".htaccess").write_text("of the tenant\n")
        self.follow("--delete")
        before = snapshot(self.machine)
        self.unpublish("clients/zzz/.htaccess")
        self.save_bucket()
        self.tell("clients/zzz/.htaccess", "other/.htaccess", "clients/never/.htaccess", name="ObjectRemoved:DeleteMarkerCreated")
        self.assertEqual(self.settle(), "")
        self.assert_unchanged(before, "clients/zzz/.htaccess")
        self.assertFalse((self.web / "clients" / "zzz" / ".htaccess").exists())
        # The program forgets the deleted file, so it does not delete a file that the tenant writes in the same place.
        (self.web / "clients" / "zzz" / ".htaccess").write_text("of the tenant\n")
        self.tell("clients/zzz/.htaccess", name="ObjectRemoved:Delete")
        self.settle()
        self.assertEqual(self.text("clients/zzz"), "of the tenant\n")

    def test_a_file_that_is_published_again(self) -> None:
        self.follow("--delete")
        key = "clients/zzz/.htaccess"
        self.unpublish(key)
        self.save_bucket()
        self.tell(key, name="ObjectRemoved:Delete")
        self.settle()
        self.tell(self.change("clients/zzz", rules("clients/zzz")))
        self.settle()
        self.assert_served("clients/zzz")


class Bursts(Following):
    def test_10_000_keys(self) -> None:
        self.follow()
        keys = [f"many/{number}/.htaccess" for number in range(10_000)]
        for key in keys:
            (self.web / key).parent.mkdir(parents=True)
            self.bucket["objects"].append({"key": key, "body": "x", "etag": "x", "time": EARLIER})
        self.save_bucket()
        os.kill(self.program.pid, signal.SIGSTOP)
        for start in range(0, 10_000, 50):
            self.queue.send(event(*keys[start : start + 50]))
        os.kill(self.program.pid, signal.SIGCONT)
        self.calls()
        self.assertEqual(self.settle(), "")
        for key in keys:
            self.assertEqual((self.web / key).read_text(), "x")
        self.assertEqual(self.queue.messages(), [])
        calls = self.got()
        # The first round contains the messages of one receive call. A larger round lists the bucket instead of
        # fetching each file.
        self.assertLess(calls.count(GET) + calls.count(LIST), 100, "the files were fetched one by one")

    def test_a_burst_whose_downloads_fail(self) -> None:
        self.follow()
        keys = [self.change(f"many/{number}", "x") for number in range(50)]
        self.bucket["broken"] = keys[:1]
        self.save_bucket()
        for key in keys:
            (self.web / key).parent.mkdir(parents=True)
        self.queue.send(event(*keys[:1]))
        self.queue.send(event(*keys[1:]))
        self.settle()
        for key in keys[1:]:
            self.assertEqual((self.web / key).read_text(), "x")
        (left,) = self.queue.messages()
        self.assertIn(keys[0], left["body"])


if __name__ == "__main__":
    unittest.main()
