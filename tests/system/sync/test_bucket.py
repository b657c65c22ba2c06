"""Keys, downloads, deletions and the staging folder."""

import json
import os
import stat
import unittest
from pathlib import Path

from support import IS_ROOT, ROOT, TENANT, WebServer, rules, snapshot

# Keys that are refused, each with a part of the message.
REFUSED = (
    ("../made/.htaccess", "a segment . or .."),
    ("clients/evil/../victim/.htaccess", "a segment . or .."),
    ("./clients/victim/.htaccess", "a segment . or .."),
    ("clients/victim/./.htaccess", "a segment . or .."),
    ("clients/..", "a segment . or .."),
    ("clients/evil\\..\\victim/.htaccess", "a segment . or .."),
    ("clients//victim/.htaccess", "two slashes in a row"),
    ("/clients/victim/.htaccess", "starts or ends with a slash"),
    ("clients/victim/", "starts or ends with a slash"),
    ("clients/evil\n/.htaccess", "a control character"),
    ("clients/evil\x1b[2J/.htaccess", "a control character"),
    ("clients/evil\x7f/.htaccess", "a control character"),
    ("clients/evil\x85/.htaccess", "a control character"),
    ("clients/" + "e" * 256 + "/.htaccess", "longer than 255 bytes"),
    ("clients/victim/.htaccess/.htaccess", "and clients/victim/.htaccess is published too"),
    ("clients/new/.htaccess/.htaccess", "a folder cannot have the name .htaccess"),
    (".htaccess/.htaccess", "a folder cannot have the name .htaccess"),
    ("clients/.htaccess/victim/.htaccess", "a folder cannot have the name .htaccess"),
)


class Keys(WebServer):
    def test_each_refused_key_stops_no_other(self) -> None:
        for key, says in REFUSED:
            with self.subTest(key=key):
                self.publish(key, "Require all granted\n")
                before = snapshot(self.machine)
                said = self.sync(status=1)
                self.assert_unchanged(before, *(f"{site}/.htaccess" for site in self.SITES))
                self.assert_served(*self.SITES)
                self.assertEqual(len(said.splitlines()), 1, said)
                self.assertTrue(said.isprintable() or said[:-1].isprintable(), said)
                self.assertIn("refused: ", said)
                self.assertIn(says, said)
                self.assertFalse((self.folder / "made").exists())
                # Remove the key, so that each test case has only one refused key.
                self.unpublish(key)

    def test_all_refused_keys_at_once(self) -> None:
        for key, _ in REFUSED:
            self.publish(key, "Require all granted\n")
        before = snapshot(self.machine)
        said = self.sync("--delete", status=1)
        self.assert_unchanged(before, *(f"{site}/.htaccess" for site in self.SITES))
        self.assert_served(*self.SITES)
        # The client also tries the long name when it downloads other files, and reports that this fails.
        self.assertIn("aws s3 sync ended with status 1: download failed", said)
        self.assertEqual(len(said.splitlines()), len(REFUSED) + 1)
        self.assertEqual(self.calls(), ["s3api list-objects-v2", "s3 sync"])
        self.sync("--delete", status=1)
        self.assertEqual(self.calls(), ["s3api list-objects-v2"], "a refused key is not fetched again and again")

    def test_many_failures_are_counted(self) -> None:
        for number in range(50):
            self.publish(f"a//{number:02}/.htaccess", "x")
        said = self.sync(status=1).splitlines()
        self.assertEqual(len(said), 21)
        self.assertEqual(said[-1], "htaccess-sync: and 30 more failures")
        self.assert_served(*self.SITES)

    def test_other_names_are_skipped(self) -> None:
        self.publish("clients/victim.conf", "deny all;\n")
        self.publish("clients/victim/index.html", "<h1>replaced</h1>")
        before = snapshot(self.machine)
        self.assertEqual(self.sync(), "")
        self.assert_unchanged(before, *(f"{site}/.htaccess" for site in self.SITES))

    def test_unusual_names_of_sites(self) -> None:
        sites = ("kunden/Müller & Söhne", "a b/c'd\"e", "-rf", "*", "x.htaccess", "acme.csv", "日本", "a\\b", "[/]", "e" * 255)
        for site in sites:
            (self.web / site).mkdir(parents=True, exist_ok=True)
            self.publish(f"{site}/.htaccess", rules(site))
        self.publish(".htaccess", rules("."))
        self.assertEqual(self.sync(), "")
        self.assert_served(*sites, ".")

    def test_another_locale(self) -> None:
        (self.web / "Müller").mkdir()
        self.publish("Müller/.htaccess", rules("Müller"))
        self.assertEqual(self.sync(before=("env", "LC_ALL=C", "PYTHONUTF8=0", "PYTHONCOERCECLOCALE=0")), "")
        self.assert_served("Müller")


class Downloads(WebServer):
    def test_nothing_is_touched_or_fetched_twice(self) -> None:
        self.sync()
        self.assertEqual(self.calls(), ["s3api list-objects-v2", "s3 sync"])
        before = snapshot(self.folder)
        self.sync()
        self.assertEqual(self.calls(), ["s3api list-objects-v2"])
        self.assertEqual(snapshot(self.folder), {**before, str(self.store): snapshot(self.folder)[str(self.store)]})
        self.assertEqual([path.name for path in self.evil.iterdir()], [".htaccess"])

    def test_a_site_that_is_not_here(self) -> None:
        self.publish("clients/elsewhere/.htaccess", rules("elsewhere"))
        self.assertEqual(self.sync(), "")
        self.assertFalse((self.web / "clients" / "elsewhere").exists())
        (self.web / "clients" / "elsewhere").mkdir()
        self.assertEqual(self.sync(), "")
        self.assertEqual(self.text("clients/elsewhere"), rules("elsewhere"))

    def test_a_change_of_equal_size(self) -> None:
        self.publish("clients/zzz/.htaccess", "Require ip 1.2.3.4\n")
        self.sync()
        self.publish("clients/zzz/.htaccess", "Require ip 1.2.3.5\n", time="2026-01-02T00:00:00+00:00")
        self.sync()
        self.assertEqual(self.text("clients/zzz"), "Require ip 1.2.3.5\n")

    def test_a_change_of_equal_size_within_the_same_second(self) -> None:
        self.publish("clients/zzz/.htaccess", "Require ip 1.2.3.4\n")
        self.sync()
        self.publish("clients/zzz/.htaccess", "Require ip 1.2.3.5\n")
        self.sync()
        self.assertEqual(self.text("clients/zzz"), "Require ip 1.2.3.5\n")

    def test_an_older_time(self) -> None:
        self.publish("clients/zzz/.htaccess", "Require ip 1.2.3.4\n")
        self.sync()
        self.publish("clients/zzz/.htaccess", "Require ip 1.2.3.5\n", time="2020-01-01T00:00:00+00:00")
        self.sync()
        self.assertEqual(self.text("clients/zzz"), "Require ip 1.2.3.5\n")

    def test_a_change_between_the_listing_and_the_download(self) -> None:
        for body, status in (("Require ip 1.2.3.5\n", 0), ("Require ip 1.2.3.55\n", 1)):
            with self.subTest(body=body):
                self.publish("clients/zzz/.htaccess", "Require ip 1.2.3.4\n")
                self.sync()
                self.publish("clients/zzz/.htaccess", "Require ip 1.2.3.6\n")
                listed = json.dumps(self.bucket)
                self.publish("clients/zzz/.htaccess", body)
                (self.folder / "next.json").write_text(json.dumps(self.bucket))
                self.bucket = {**json.loads(listed), "next": str(self.folder / "next.json")}
                said = self.sync(status=status)
                self.assertEqual("changed while it was fetched" in said, bool(status))
                self.bucket = json.loads(self.store.read_text())
                self.sync()
                self.assertEqual(self.text("clients/zzz"), body)

    def test_a_download_that_fails(self) -> None:
        self.sync()
        for site in self.SITES:
            self.publish(f"{site}/.htaccess", f"new {site}")
        self.bucket["broken"] = ["clients/evil/.htaccess"]
        said = self.sync("--delete", status=1)
        self.assertIn("clients/evil/.htaccess: it was not fetched", said)
        self.assertIn("Connection was closed", said)
        self.assert_served("clients/evil")
        for site in ("clients/aaa", "clients/victim", "clients/zzz"):
            self.assertEqual(self.text(site), f"new {site}")
        self.bucket["broken"] = []
        self.assertEqual(self.sync("--delete"), "")
        self.assertEqual(self.text("clients/evil"), "new clients/evil")

    def test_a_listing_that_fails_changes_nothing(self) -> None:
        self.sync()
        before = snapshot(self.machine)
        self.bucket.update(status=254, says="An error occurred (AccessDenied)\n\x1b[2Jnext", objects=[])
        said = self.sync("--delete", status=1)
        self.assertEqual(
            said, "htaccess-sync: the bucket site-bucket cannot be listed: An error occurred (AccessDenied); \\x1b[2Jnext\n"
        )
        self.assert_unchanged(before)

    def test_a_file_that_is_too_large(self) -> None:
        self.publish("clients/evil/.htaccess", "#" * (65 << 20))
        self.assertIn("clients/evil/.htaccess: it is larger than 64 MiB", self.sync(status=1))
        self.assert_served("clients/aaa", "clients/victim", "clients/zzz")
        self.assertEqual(list(self.evil.iterdir()), [])

    def test_10_000_sites(self) -> None:
        for number in range(10_000):
            (self.web / "many" / str(number)).mkdir(parents=True)
            self.publish_fast(f"many/{number}/.htaccess")
        self.assertEqual(self.sync(), "")
        self.assert_served(*self.SITES)
        for number in range(10_000):
            self.assertEqual(self.text(f"many/{number}"), "x")

    def publish_fast(self, key: str) -> None:
        self.bucket["objects"].append({"key": key, "body": "x", "etag": "x", "time": "2026-01-01T00:00:00+00:00"})


class Deletes(WebServer):
    def test_nothing_without_the_option(self) -> None:
        self.sync()
        self.bucket["objects"] = []
        self.assertEqual(self.sync(), "")
        self.assert_served(*self.SITES)

    def test_only_what_it_installed(self) -> None:
        for name in ("clients/evil/admin", "other", "clients/zzz/sub"):
            (self.web / name).mkdir()
            (self.web / name / ".htaccess").write_text("of the tenant\n")
        self.sync("--delete")
        before = snapshot(self.machine)
        self.unpublish("clients/evil/.htaccess")
        self.unpublish("clients/zzz/.htaccess")
        self.assertEqual(self.sync("--delete"), "")
        self.assert_unchanged(before, "clients/evil/.htaccess", "clients/zzz/.htaccess")
        self.assertFalse((self.evil / ".htaccess").exists())
        self.assertFalse((self.web / "clients" / "zzz" / ".htaccess").exists())

    def test_files_that_were_kept_before(self) -> None:
        self.sync()
        self.unpublish("clients/zzz/.htaccess")
        self.sync()
        self.assert_served("clients/zzz")
        self.sync("--delete")
        self.assertFalse((self.web / "clients" / "zzz" / ".htaccess").exists())

    def test_a_file_is_deleted_once(self) -> None:
        self.sync("--delete")
        self.unpublish("clients/zzz/.htaccess")
        self.sync("--delete")
        (self.web / "clients" / "zzz" / ".htaccess").write_text("of the tenant\n")
        self.sync("--delete")
        self.assertEqual(self.text("clients/zzz"), "of the tenant\n")

    def test_a_key_that_is_refused_now_deletes_nothing(self) -> None:
        self.sync("--delete")
        self.publish("clients/victim/.htaccess/.htaccess", "x")
        self.sync("--delete", status=1)
        self.assert_served(*self.SITES)

    def test_a_folder_that_became_a_link(self) -> None:
        (self.evil / "sub").mkdir()
        self.publish("clients/evil/sub/.htaccess", "x")
        self.sync("--delete")
        (self.evil / "sub" / ".htaccess").unlink()
        (self.evil / "sub").rmdir()
        (self.evil / "sub").symlink_to("../victim")
        self.unpublish("clients/evil/sub/.htaccess")
        before = snapshot(self.machine)
        for _ in range(2):
            self.assertIn("clients/evil/sub is a symbolic link", self.sync("--delete", status=1))
            self.assert_unchanged(before)
        # The owner removes the link.
        (self.evil / "sub").unlink()
        self.assertEqual(self.sync("--delete"), "")


class Staging(WebServer):
    def refused(self, says: str) -> None:
        before = snapshot(self.machine)
        self.assertIn(says, self.sync(status=1))
        self.assert_unchanged(before)

    def test_it_belongs_to_its_user_alone(self) -> None:
        for mode in (None, 0o700, 0o755, 0o750):
            if mode is not None:
                self.staging.chmod(mode)
            self.sync()
            self.assertEqual(stat.S_IMODE(self.staging.stat().st_mode), 0o700)

    def test_one_to_which_others_can_write(self) -> None:
        self.staging.mkdir()
        for mode in (0o777, 0o770, 0o702):
            self.staging.chmod(mode)
            self.refused("other users can write to the staging folder")
            self.assertEqual(os.listdir(self.staging), [])

    def test_one_of_another_user(self) -> None:
        if IS_ROOT:
            self.staging.mkdir(mode=0o700)
            os.chown(self.staging, TENANT, TENANT)
            self.refused("belongs to another user (ID 12345)")
            self.assertEqual(os.listdir(self.staging), [])
        else:
            self.staging = Path("/usr")
            self.refused("the staging folder /usr belongs to another user (ID 0)")

    def test_a_link(self) -> None:
        (self.folder / "other").mkdir(mode=0o700)
        self.staging.symlink_to("other")
        self.refused("cannot be the staging folder")
        self.assertEqual(os.listdir(self.folder / "other"), [])

    def test_one_in_the_web_root(self) -> None:
        self.staging = self.evil / "staging"
        self.refused("is in the web root: choose a folder outside the web root")

    def test_a_damaged_record(self) -> None:
        self.sync()
        for text in ("", "{", "[]", "{}", "\xff"):
            (self.staging / "state").write_text(text, encoding="latin-1")
            self.assertIn("the file state in the staging folder is damaged", self.sync(status=1))
            self.assertEqual(self.sync("--delete"), "")
            self.assert_served(*self.SITES)

    def test_files_of_unknown_origin(self) -> None:
        (self.staging / "site" / "clients" / "zzz" / ".htaccess").mkdir(parents=True)
        self.staging.chmod(0o700)
        self.assertEqual(self.sync(), "")
        self.assert_served(*self.SITES)

    def test_another_bucket(self) -> None:
        self.sync()
        state = json.loads((self.staging / "state").read_text())
        state["bucket"] = "another"
        for version in state["fetched"].values():
            version[0] = "the same"
        (self.staging / "state").write_text(json.dumps(state))
        self.calls()
        self.sync()
        self.assertEqual(self.calls(), ["s3api list-objects-v2", "s3 sync"])


class Usage(WebServer):
    def test_wrong_usage(self) -> None:
        for arguments in ([], ["bucket"], ["bucket", "staging", "web", "more"], ["--remove", "bucket", "staging", "web"]):
            command = [*self.command()[:-3], *arguments]
            self.command = lambda *_, command=command: command
            self.assertIn("usage: htaccess-sync [-h] [--delete] [--queue URL] BUCKET STAGING WEB_ROOT", self.sync(status=2))
            del self.command

    def test_a_web_root_that_is_missing(self) -> None:
        self.web = self.machine / "missing"
        self.assertIn("cannot be opened: No such file or directory", self.sync(status=1))

    def test_a_web_root_that_is_a_link(self) -> None:
        (self.machine / "www").symlink_to("web")
        self.web = self.machine / "www"
        self.assertEqual(self.sync(), "")
        self.assert_served(*self.SITES)

    def test_the_unit_allows_what_the_program_needs(self) -> None:
        """With the capabilities in the unit file, root can update folders with any mode and owner."""
        unit = (ROOT / "infra" / "operate" / "sync" / "htaccess-sync.service").read_text()
        line = next(line for line in unit.splitlines() if line.startswith("CapabilityBoundingSet="))
        names = [name.lower()[len("cap_"):] for name in line.split("=")[1].split()]
        self.assertEqual(names, ["dac_override", "fowner"])
        if not IS_ROOT:
            return
        (self.evil / ".htaccess").write_text("x")
        for path in (self.evil, self.evil / ".htaccess"):
            os.chown(path, TENANT, TENANT)
        self.evil.chmod(0o3000)
        drop = ("setpriv", "--no-new-privs", "--bounding-set", "-all," + ",".join(f"+{name}" for name in names))
        self.assertEqual(self.sync(before=drop), "")
        self.assert_served(*self.SITES)
        self.unpublish("clients/evil/.htaccess")
        self.assertEqual(self.sync("--delete", before=drop), "")
        self.assertFalse((self.evil / ".htaccess").exists())


if __name__ == "__main__":
    unittest.main()
