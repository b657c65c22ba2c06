"""Files and folders that are replaced during a run: at random times, and at critical points between two steps."""

import contextlib
import os
import signal
import sys
import threading
import time
import unittest
from typing import Callable, Iterator
from unittest import mock

from support import VICTIM, WebServer, modules, rules, snapshot

RUNS = 12


class Racing(WebServer):
    """A tenant that changes its folder all the time."""

    @contextlib.contextmanager
    def tenant(self, act: Callable[[], None]) -> Iterator[None]:
        done = threading.Event()

        def again() -> None:
            while not done.is_set():
                with contextlib.suppress(OSError):
                    act()

        thread = threading.Thread(target=again)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def race(self, act: Callable[[], None], clean: Callable[[], None] = lambda: None) -> None:
        before = snapshot(self.web / "clients" / "victim")
        secret = snapshot(self.machine / "wp-config.php")
        for number in range(RUNS):
            # Publish a change for each run, so that the program writes the files every time.
            self.publish("clients/zzz/.htaccess", f"{number}")
            for key in ("clients/evil/.htaccess", "clients/evil/sub/.htaccess"):
                self.publish(key, f"evil {number}")
            with self.tenant(act):
                process = self.start()
                _, said = process.communicate(timeout=120)
            self.assertIn(process.returncode, (0, 1), said)
            self.assertNotIn(b"Traceback", said)
            self.assertEqual(self.text("clients/zzz"), f"{number}")
            self.assertEqual(snapshot(self.web / "clients" / "victim"), before)
            self.assertEqual(snapshot(self.machine / "wp-config.php"), secret)
            clean()

    def setUp(self) -> None:
        super().setUp()
        self.sync()

    def test_a_folder_and_a_link_to_the_victim(self) -> None:
        (self.evil / "real").mkdir()
        (self.evil / "link").symlink_to("../victim")

        def act() -> None:
            for name in ("real", "link"):
                os.rename(self.evil / name, self.evil / "sub")
                time.sleep(0)
                os.rename(self.evil / "sub", self.evil / name)

        def clean() -> None:
            self.assertTrue((self.evil / "link").is_symlink() or (self.evil / "sub").is_symlink())

        self.race(act, clean)

    def test_the_temporary_file_and_a_link_to_a_secret(self) -> None:
        def act() -> None:
            for name in os.listdir(self.evil):
                if name.startswith(".htaccess."):
                    os.symlink(self.secret, self.evil / "trap")
                    os.rename(self.evil / "trap", self.evil / name)

        self.race(act)

    def test_the_file_and_all_other_kinds(self) -> None:
        place = self.evil / ".htaccess"

        def act() -> None:
            for make in (lambda: os.mkfifo(place), lambda: place.symlink_to(f"../../{VICTIM}"), place.mkdir, lambda: place.write_text("x")):
                make()
                time.sleep(0)
                place.rmdir() if place.is_dir() and not place.is_symlink() else place.unlink()

        self.race(act)


class Moments(WebServer):
    """Replacements between two specific steps of the program."""

    def setUp(self) -> None:
        super().setUp()
        self.worker, self.web_root = modules("worker", "web_root")
        self.sync()
        self.publish("clients/evil/.htaccess", rules("new"))
        (self.evil / "sub").mkdir()
        (self.staging / "site" / "clients" / "evil" / "sub").mkdir(parents=True)
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(self.staging)
        self.root = os.open(self.web, os.O_PATH)
        self.addCleanup(os.close, self.root)

    def outcome(self, job: tuple, name: str, swap: Callable[[], None], body: str = "new rules") -> tuple:
        """Returns the outcome of a job if `swap` runs just before the first call of the `os` function `name`."""
        (self.staging / "site" / job[1]).write_text(body)
        original = getattr(os, name)

        def swapped(*arguments, **named):
            patch.stop()
            swap()
            return original(*arguments, **named)

        patch = mock.patch.object(os, name, swapped)
        patch.start()
        self.addCleanup(mock.patch.stopall)
        return self.worker.outcome(self.root, job)

    def swap_folder(self, target: str) -> Callable[[], None]:
        def swap() -> None:
            (self.evil / "sub").rename(self.evil / "away")
            (self.evil / "sub").symlink_to(target)

        return swap

    def test_a_folder_becomes_a_link_before_the_rename(self) -> None:
        before = snapshot(self.web / "clients" / "victim")
        found = self.outcome(("install", "clients/evil/sub/.htaccess"), "fsync", self.swap_folder("../victim"))
        self.assertEqual(found.result, "failed")
        self.assertIn("a symbolic link", found.sentence)
        self.assertEqual(snapshot(self.web / "clients" / "victim"), before)
        self.assertEqual(os.listdir(self.evil / "away"), [])

    def test_a_folder_becomes_another_one_before_the_rename(self) -> None:
        def swap() -> None:
            (self.evil / "sub").rename(self.evil / "away")
            (self.evil / "sub").mkdir()

        found = self.outcome(("install", "clients/evil/sub/.htaccess"), "fsync", swap)
        self.assertIn("its folder was replaced during the run", found.sentence)
        self.assertEqual(os.listdir(self.evil / "sub") + os.listdir(self.evil / "away"), [])

    def test_a_folder_goes_away_before_the_rename(self) -> None:
        found = self.outcome(("install", "clients/evil/sub/.htaccess"), "fsync", lambda: (self.evil / "sub").rename(self.evil / "away"))
        self.assertIn("its folder was moved or deleted during the run", found.sentence)
        self.assertEqual(os.listdir(self.evil / "away"), [])

    def test_a_folder_becomes_a_link_at_the_rename(self) -> None:
        before = snapshot(self.web / "clients" / "victim")
        self.outcome(("install", "clients/evil/sub/.htaccess"), "rename", self.swap_folder("../victim"))
        self.assertEqual(snapshot(self.web / "clients" / "victim"), before)

    def temporary(self) -> os.PathLike:
        return next(path for path in self.evil.iterdir() if path.name.startswith(".htaccess."))

    def test_the_temporary_file_becomes_a_link(self) -> None:
        for target in (self.secret, self.web / VICTIM):
            for step in ("fchmod", "fsync", "rename"):
                with self.subTest(target=target, step=step):

                    def swap() -> None:
                        name = self.temporary()
                        name.unlink()
                        name.symlink_to(target)

                    before = snapshot(self.machine)
                    found = self.outcome(("install", "clients/evil/.htaccess"), step, swap, f"{target} {step}")
                    self.assertEqual(found.result, "failed")
                    self.assertIn("replaced by another process during the run", found.sentence)
                    self.assert_unchanged(before, "clients/evil/.htaccess")

    def test_the_temporary_file_becomes_a_folder(self) -> None:
        def swap() -> None:
            name = self.temporary()
            name.unlink()
            name.mkdir()

        found = self.outcome(("install", "clients/evil/.htaccess"), "rename", swap)
        self.assertEqual(found.result, "failed")
        self.assertEqual(self.text("clients/evil"), rules("clients/evil"))

    def test_a_folder_comes_into_the_place_before_the_rename(self) -> None:
        def swap() -> None:
            (self.evil / ".htaccess").unlink()
            (self.evil / ".htaccess").mkdir()

        found = self.outcome(("install", "clients/evil/.htaccess"), "fsync", swap)
        self.assertEqual(found.result, "failed")
        self.assertIn("Is a directory", found.sentence)
        self.assertEqual(list(self.evil.glob(".htaccess.*")), [])

    def test_the_file_becomes_a_fifo_before_it_is_read(self) -> None:
        job = ("install", "clients/evil/.htaccess")
        (self.staging / "site" / job[1]).write_text(rules("clients/evil"))
        original = self.web_root.has_content

        def swapped(folder: int, content: bytes) -> bool:
            (self.evil / ".htaccess").unlink()
            os.mkfifo(self.evil / ".htaccess")
            return original(folder, content)

        with mock.patch.object(self.web_root, "has_content", swapped):
            self.assertEqual(self.worker.outcome(self.root, job).result, "installed")
        self.assert_served("clients/evil")

    def test_a_folder_becomes_a_link_before_a_delete(self) -> None:
        (self.evil / "sub" / ".htaccess").write_text("x")
        before = snapshot(self.web / "clients" / "victim")
        original = self.web_root.present

        def swapped(folder: int) -> str:
            found = original(folder)
            self.swap_folder("../victim")()
            return found

        with mock.patch.object(self.web_root, "present", swapped):
            found = self.worker.outcome(self.root, ("remove", "clients/evil/sub/.htaccess"))
        self.assertEqual(found.result, "failed")
        self.assertEqual(snapshot(self.web / "clients" / "victim"), before)


# Runs the program with a change in its code, in a separate process.
CHANGED = """
import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {here!r}); sys.argv[1:3] = []
from support import modules
import os, signal, time
run, worker = modules("run", "worker")
original = worker.ACTIONS["install"]
{change}
sys.exit(run.main(sys.argv[1:]))
"""


class Processes(WebServer):
    """A file system that does not respond, signals, unexpected failures, and two runs at the same time."""

    def changed(self, change: str, *options: str) -> tuple:
        text = CHANGED.format(here=os.path.dirname(os.path.abspath(__file__)), change=change)
        process = self.start(*options, before=(sys.executable, "-c", text))
        _, said = process.communicate(timeout=120)
        return process.returncode, said.decode()

    def test_a_site_whose_file_system_does_not_answer(self) -> None:
        status, said = self.changed(
            """
worker.SITE_SECONDS = 2
def install(root, key):
    while "evil" in key:
        time.sleep(1)
    return original(root, key)
worker.ACTIONS["install"] = install
"""
        )
        self.assertEqual(status, 1)
        self.assertEqual(said, "htaccess-sync: clients/evil/.htaccess: the file system did not answer within 2 seconds\n")
        self.assert_served("clients/aaa", "clients/victim", "clients/zzz")

    def test_a_site_at_which_the_process_ends(self) -> None:
        status, said = self.changed(
            """
def install(root, key):
    if "evil" in key:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(root, key)
worker.ACTIONS["install"] = install
"""
        )
        self.assertEqual(status, 1)
        self.assertIn("clients/evil/.htaccess: the process that worked on it was terminated", said)
        self.assert_served("clients/aaa", "clients/victim", "clients/zzz")

    def test_a_failure_that_nobody_expected(self) -> None:
        status, said = self.changed(
            """
def install(root, key):
    if "evil" in key:
        raise MemoryError("no room")
    return original(root, key)
worker.ACTIONS["install"] = install
"""
        )
        self.assertEqual(status, 1)
        self.assertIn("clients/evil/.htaccess: cannot install it: MemoryError: no room", said)
        self.assert_served("clients/aaa", "clients/victim", "clients/zzz")

    def test_sigterm_ends_the_run_after_the_present_file(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                self.publish("clients/evil/.htaccess", rules("clients/evil"), etag=str(number))
                status, said = self.changed(
                    f"""
def install(root, key):
    if "evil" in key:
        os.kill(os.getppid(), {int(number)})
        time.sleep(0.5)
    return original(root, key)
worker.ACTIONS["install"] = install
"""
                )
                self.assertEqual(status, 1)
                self.assertEqual(said, f"htaccess-sync: ended by {number.name} after 2 of 4 files\n")
                self.assert_served("clients/aaa", "clients/evil")
                self.assertFalse((self.web / "clients" / "zzz" / ".htaccess").exists())
        self.sync()
        self.assert_served(*self.SITES)

    def test_sigterm_during_the_download_loses_nothing(self) -> None:
        self.bucket["sleep"] = 600
        process = self.start()
        calls = self.store.with_suffix(".calls")
        while not calls.exists() or "sync" not in calls.read_text():
            time.sleep(0.01)
        process.terminate()
        _, said = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(said, b"htaccess-sync: ended by SIGTERM after 0 of 0 files\n")
        self.bucket["sleep"] = 0
        self.sync()
        self.assert_served(*self.SITES)

    def test_only_one_run_at_a_time(self) -> None:
        self.bucket["sleep"] = 60
        first = self.start()
        calls = self.store.with_suffix(".calls")
        while not calls.exists() or "sync" not in calls.read_text():
            time.sleep(0.01)
        self.assertEqual(self.sync(), "")
        self.assertEqual(self.calls(), ["s3api list-objects-v2", "s3 sync"])
        # After the program is killed, the aws client may still write to the staging folder, so another run must not start.
        first.kill()
        first.wait()
        self.addCleanup(first.communicate)
        self.assertEqual(self.sync(), "")
        self.assertFalse((self.web / "clients" / "zzz" / ".htaccess").exists())
        os.killpg(first.pid, signal.SIGKILL)
        self.bucket["sleep"] = 0
        deadline = time.monotonic() + 60
        while not (self.web / "clients" / "zzz" / ".htaccess").exists() and time.monotonic() < deadline:
            self.sync()
        self.assert_served(*self.SITES)


if __name__ == "__main__":
    unittest.main()
