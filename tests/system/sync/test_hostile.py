"""Hostile folders in the web root: only the site's own file changes, and all other sites are updated."""

import unittest

from following import Following, event
from hostile import CASES, Case
from support import WebServer, rules, snapshot

OTHERS = ("clients/aaa", "clients/victim", "clients/zzz")


def arrange(test: WebServer, case: Case) -> str:
    """Sets up a case, and publishes its output. Returns the key."""
    case.arrange(test)
    key = f"{case.site}/.htaccess"
    if case.site.startswith("clients/evil/"):
        test.unpublish("clients/evil/.htaccess")
    test.publish(key, rules(case.site))
    return key


def assert_expected(test: WebServer, case: Case, before: dict, said: str) -> None:
    """Asserts the expected result of a case, after the program has processed everything."""
    key = f"{case.site}/.htaccess"
    own = {item["key"] for item in test.bucket["objects"]}
    if case.expect == "failed":
        own.remove(key)
    test.assert_unchanged(before, *own)
    test.assert_served(*OTHERS)
    if case.expect == "failed":
        test.assertIn(f"{key}: ", said)
    else:
        test.assert_served(case.site)
    test.assertIn(case.says, said)
    test.assertEqual(len(said.splitlines()), 0 if case.expect == "served" else 1, said)


class Hostile(WebServer):
    """Runs each case once. The test methods are added below."""

    def check(self, case: Case) -> None:
        key = arrange(self, case)
        before = snapshot(self.machine)
        assert_expected(self, case, before, self.sync(status=1 if case.expect == "failed" else 0))
        self.check_delete(case, key)

    def check_delete(self, case: Case, key: str) -> None:
        """Runs the program with --delete after the site's output was deleted from the bucket."""
        self.unpublish(key)
        before = snapshot(self.machine)
        self.sync("--delete")
        self.assert_unchanged(before, key)
        self.assert_served(*OTHERS)
        if case.expect != "failed":
            self.assertFalse((self.web / key).exists())


class HostileThroughQueue(Following):
    """Runs the cases with a program that follows its queue. The bucket's listing is empty, so only messages announce
    outputs."""

    def check(self, case: Case) -> None:
        self.bucket["listed"] = []
        key = arrange(self, case)
        before = snapshot(self.machine)
        self.follow("--delete")
        self.assert_unchanged(before)
        for item in self.bucket["objects"]:
            self.queue.send(event(item["key"]))
        assert_expected(self, case, before, self.settle())
        left = [message["body"] for message in self.queue.messages()]
        self.assertEqual(left, [event(key)] if case.expect == "failed" else [])
        self.check_delete(case, key)

    def check_delete(self, case: Case, key: str) -> None:
        self.unpublish(key)
        self.save_bucket()
        before = snapshot(self.machine)
        self.tell(key, name="ObjectRemoved:Delete")
        self.settle()
        self.assert_unchanged(before, key)
        self.assert_served(*OTHERS)
        if case.expect != "failed":
            self.assertFalse((self.web / key).exists())
        self.stop()


class HostileAfterwards(WebServer):
    """The tenant sets up the case after the site was served, and then the site's output is deleted."""

    def check(self, case: Case) -> None:
        key = "clients/evil/.htaccess"
        self.sync()
        (self.web / key).unlink()
        case.arrange(self)
        self.unpublish(key)
        before = snapshot(self.machine)
        process = self.start("--delete")
        _, said = process.communicate(timeout=120)
        self.assertNotIn(b"Traceback", said)
        self.assertIn(process.returncode, (0, 1), said)
        self.assert_unchanged(before, key)
        self.assert_served(*OTHERS)
        if case.expect == "replaced":
            self.assertEqual(process.returncode, 1)
            self.assertIn(b"is in the place of the file to delete", said)


class HostileAfterwardsThroughQueue(Following):
    """Runs the cases of `HostileAfterwards` with a program that follows its queue."""

    def check(self, case: Case) -> None:
        key = "clients/evil/.htaccess"
        self.follow("--delete")
        (self.web / key).unlink()
        case.arrange(self)
        self.unpublish(key)
        self.save_bucket()
        before = snapshot(self.machine)
        self.tell(key, name="ObjectRemoved:Delete")
        said = self.settle()
        self.assert_unchanged(before, key)
        self.assert_served(*OTHERS)
        is_special = case.expect == "replaced"
        self.assertEqual(len(self.queue.messages()), 1 if is_special or said else 0, said)
        if is_special:
            self.assertIn("is in the place of the file to delete", said)
        self.stop()


def install(suite: type, cases: list) -> None:
    for case in cases:
        name = f"test_{case.name}".replace(" ", "_").replace(",", "").replace("'", "")
        assert not hasattr(suite, name), name
        setattr(suite, name, lambda self, case=case: self.check(case))


for suite in (Hostile, HostileThroughQueue):
    install(suite, list(CASES))
for suite in (HostileAfterwards, HostileAfterwardsThroughQueue):
    install(suite, [case for case in CASES if case.site == "clients/evil"])

if __name__ == "__main__":
    unittest.main()
