"""`htaccess-sync --queue` as a service: its behaviour without messages, after failures, and when it ends."""

import os
import signal
import time
import unittest
from typing import Callable
from unittest import mock

from following import QUEUE_URL, Following, changed, event
from support import ROOT, modules, rules

ALL = ("clients/aaa", "clients/evil", "clients/victim", "clients/zzz")
DELETE = "sqs delete-message-batch"


class Pauses(unittest.TestCase):
    """The pauses between attempts, measured with a simulated clock."""

    def attempts(self, queue_fails: Callable[[float], bool], until: float) -> list:
        """Returns the time and the kind of each attempt."""
        follower, report = modules("follower", "report")
        made = []
        clock = mock.Mock(seconds=0.0)
        bucket = mock.Mock()
        bucket.signals.reason = ""

        def pass_time(seconds: float) -> None:
            clock.seconds += seconds
            bucket.signals.reason = "the end" if clock.seconds >= until else ""

        def receive() -> list:
            made.append((clock.seconds, "poll"))
            if queue_fails(clock.seconds):
                raise report.Fatal("the queue cannot be read")
            pass_time(20)
            return []

        def compare(_: object) -> set:
            made.append((clock.seconds, "comparison"))
            program.compare_at = clock.seconds + follower.COMPARE_SECONDS
            return set()

        bucket.signals.pause = pass_time
        with mock.patch.object(follower.time, "monotonic", lambda: clock.seconds):
            program = follower.Follower(bucket, mock.Mock(receive=receive), "/web", mock.Mock(fetched={}), False)
            program._compare = compare
            with mock.patch.object(report.Report, "print"):
                program.run(report.Report())
        return made

    def test_they_double_up_to_a_minute(self) -> None:
        made = self.attempts(lambda _: True, until=300)
        self.assertEqual([at for at, kind in made if kind == "poll"], [0, 1, 3, 7, 15, 31, 63, 123, 183, 243])
        # Everything is compared a minute after the first failure, and then every minute.
        self.assertEqual([at for at, kind in made if kind == "comparison"], [0, 63, 123, 183, 243])

    def test_a_success_ends_them(self) -> None:
        made = self.attempts(lambda now: now < 5 or 40 <= now < 50, until=130)
        self.assertEqual([at for at, kind in made if kind == "poll"], [0, 1, 3, 7, 27, 47, 48, 50, 70, 90, 110])
        # Changes during the failure may have no message, so everything is compared again.
        self.assertEqual([at for at, kind in made if kind == "comparison"], [0, 70])


class Comparisons(Following):
    def test_everything_is_compared_at_the_start_and_once_a_day(self) -> None:
        (follower,) = modules("follower")
        self.assertEqual(follower.COMPARE_SECONDS, 24 * 60 * 60)
        self.follow(before=changed("follower.COMPARE_SECONDS = 2"))
        self.assert_served(*ALL)
        # A change without a message, a file that another program changed, and a deleted file.
        self.change("clients/zzz", "no message")
        (self.web / "clients" / "aaa" / ".htaccess").write_text("changed")
        (self.evil / ".htaccess").unlink()
        time.sleep(2)
        self.queue.send("a message that ends the poll")
        self.wait_until(lambda: self.text("clients/zzz") == "no message")
        self.settle()
        self.assert_served("clients/aaa", "clients/evil")

    def test_a_comparison_that_is_not_complete_is_repeated(self) -> None:
        self.bucket["broken"] = ["clients/evil/.htaccess"]
        self.follow(before=changed("follower.RETRY_SECONDS = 1"))
        self.assertFalse((self.evil / ".htaccess").exists())
        self.bucket["broken"] = []
        self.save_bucket()
        time.sleep(1)
        self.queue.send("a message that ends the poll")
        self.wait_until((self.evil / ".htaccess").exists)
        self.settle()
        self.assert_served(*ALL)

    def test_a_failure_of_one_site_is_tried_again(self) -> None:
        (self.evil / ".htaccess").mkdir()
        self.follow(before=changed("follower.RETRY_SECONDS = 1"))
        (self.evil / ".htaccess").rmdir()
        self.calls()
        time.sleep(1)
        self.queue.send("a message that ends the poll")
        self.wait_until((self.evil / ".htaccess").exists)
        self.settle()
        self.assert_served("clients/evil")
        self.assertEqual(self.got(), [DELETE])


class Ends(Following):
    def test_signals_while_it_waits(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                self.follow()
                began = time.monotonic()
                self.assertEqual(self.stop(number), "")
                self.assertLess(time.monotonic() - began, 15, "it waited for the end of the poll")
        self.tell(self.change("clients/zzz", "new"))
        self.follow(is_idle=False)
        self.wait_until(lambda: not self.queue.messages())
        self.assertEqual(self.text("clients/zzz"), "new")

    def test_a_signal_while_it_installs(self) -> None:
        self.follow(
            before=changed(
                """
original = worker.ACTIONS["install"]
def install(root, key):
    if "evil" in key and open(f"site/{key}").read() == "new":
        os.kill(os.getppid(), signal.SIGTERM)
        time.sleep(0.5)
    return original(root, key)
worker.ACTIONS["install"] = install
"""
            )
        )
        self.queue.send(event(*(self.change(site, "new") for site in ALL)))
        self.assertEqual(self.program.wait(60), 0)
        self.assertEqual(self.heard(), "htaccess-sync: ended by SIGTERM after 2 of 4 files\n")
        self.assertEqual([self.text(site) for site in ("clients/aaa", "clients/evil", "clients/victim")], ["new", "new", rules("clients/victim")])
        self.assertEqual(len(self.queue.messages()), 1)
        self.follow()
        self.assertEqual([self.text(site) for site in ALL], ["new"] * 4)

    def test_a_signal_while_it_compares(self) -> None:
        self.bucket["sleep"] = 600
        self.follow(is_idle=False)
        calls = self.store.with_suffix(".calls")
        self.wait_until(lambda: calls.exists() and "s3 sync" in calls.read_text())
        self.assertEqual(self.stop(), "htaccess-sync: ended by SIGTERM after 0 of 0 files\n")

    def test_a_client_that_does_not_end(self) -> None:
        """The service ends with a failure, so that systemd restarts it."""
        self.bucket["sleep"] = 600
        self.follow(before=changed("signals.RUN_SECONDS = 2"), is_idle=False)
        self.assertEqual(self.program.wait(60), 1)
        self.assertIn("ended after 2 seconds", self.heard())

    def test_only_one_run_at_a_time(self) -> None:
        self.follow()
        self.assertEqual(self.sync(), "")
        said = self.sync("--queue", QUEUE_URL, status=1)
        self.assertEqual(said, f"htaccess-sync: another run uses the staging folder {self.staging}: stop it, and htaccess-sync.timer\n")
        self.stop()

    def test_the_units_start_the_same_program(self) -> None:
        """The drop-in adds the queue to the service's command, and restarts the service whenever it ends."""
        folder = ROOT / "infra" / "operate" / "sync"
        service, drop_in = ((folder / name).read_text().splitlines() for name in ("htaccess-sync.service", "queue.conf"))
        (once,) = (line for line in service if line.startswith("ExecStart="))
        # Only a oneshot service may have several commands, so the drop-in must first remove the service's command
        # with an empty line.
        emptied, following = (line for line in drop_in if line.startswith("ExecStart="))
        self.assertEqual(emptied, "ExecStart=")
        self.assertEqual(following, once.replace("htaccess-sync BUCKET", "htaccess-sync --queue QUEUE BUCKET"))
        for line in ("Type=exec", "Restart=always", "WantedBy=multi-user.target"):
            self.assertIn(line, drop_in)

    def test_wrong_urls(self) -> None:
        for url in ("", "web-1", "file:///etc/passwd", "arn:aws:sqs:eu-central-1:000000000000:web-1"):
            self.assertIn("--queue is ", self.sync("--queue", url, status=2))


if __name__ == "__main__":
    unittest.main()
