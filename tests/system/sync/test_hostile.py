"""Hostile folders in the web root: nothing but the site's own file changes, and all other sites are served."""

import unittest

from hostile import CASES, Case
from support import WebServer, rules, snapshot

OTHERS = ("clients/aaa", "clients/victim", "clients/zzz")


class Hostile(WebServer):
    """One test for each case, installed below."""

    def check(self, case: Case) -> None:
        case.arrange(self)
        key = f"{case.site}/.htaccess"
        if case.site.startswith("clients/evil/"):
            self.unpublish("clients/evil/.htaccess")
        self.publish(key, rules(case.site))
        before = snapshot(self.machine)
        said = self.sync(status=1 if case.expect == "failed" else 0)
        own = {item["key"] for item in self.bucket["objects"]}
        if case.expect == "failed":
            own.remove(key)
        self.assert_unchanged(before, *own)
        self.assert_served(*OTHERS)
        if case.expect == "failed":
            self.assertIn(f"{key}: ", said)
        else:
            self.assert_served(case.site)
        self.assertIn(case.says, said)
        self.assertEqual(len(said.splitlines()), 0 if case.expect == "served" else 1, said)
        self.check_delete(case, key)

    def check_delete(self, case: Case, key: str) -> None:
        """A run with --delete, after nothing of the site is published any more."""
        self.unpublish(key)
        before = snapshot(self.machine)
        self.sync("--delete")
        self.assert_unchanged(before, key)
        self.assert_served(*OTHERS)
        if case.expect != "failed":
            self.assertFalse((self.web / key).exists())


class HostileAfterwards(WebServer):
    """The tenant arranges its folder after the site was served, and then its output is deleted."""

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
            self.assertIn(b"is in the place of the file that is to be deleted", said)


def install(suite: type, cases: list) -> None:
    for case in cases:
        name = f"test_{case.name}".replace(" ", "_").replace(",", "").replace("'", "")
        assert not hasattr(suite, name), name
        setattr(suite, name, lambda self, case=case: self.check(case))


install(Hostile, list(CASES))
install(HostileAfterwards, [case for case in CASES if case.site == "clients/evil"])

if __name__ == "__main__":
    unittest.main()
