"""A web root, a bucket and a staging folder for the tests of htaccess-sync."""

import hashlib
import importlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# The variable can contain the path of another program with the same command line, to see which tests that program
# fails. Otherwise the file that servers install is built once. The processes that tests start inherit the variable.
if "HTACCESS_SYNC" not in os.environ:
    subprocess.run(["make", "--silent", "htaccess-sync", f"PYTHON={sys.executable}"], cwd=ROOT, check=True)
    os.environ["HTACCESS_SYNC"] = str(ROOT / "target" / "htaccess-sync")
PROGRAM = Path(os.environ["HTACCESS_SYNC"])
STANDINS = Path(__file__).with_name("standins")
IS_ROOT = os.geteuid() == 0
# After this time, a run counts as hung.
TIMEOUT_SECONDS = 120
EARLIER = "2026-01-01T00:00:00+00:00"
VICTIM = "clients/victim/.htaccess"
# A user ID other than root's.
TENANT = 12345

sys.dont_write_bytecode = True


def rules(site: str) -> str:
    return f"# {site}\nRequire ip 192.0.2.1\n"


class WebServer(unittest.TestCase):
    """A web server with some sites, all of which are published."""

    SITES = ("clients/aaa", "clients/evil", "clients/victim", "clients/zzz")

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="htaccess-sync-")).resolve()
        self.addCleanup(remove_tree, self.folder)
        self.machine = self.folder / "machine"
        self.web = self.machine / "web"
        self.staging = self.folder / "staging"
        self.store = self.folder / "bucket.json"
        self.bucket = {"objects": []}
        for site in self.SITES:
            (self.web / site).mkdir(parents=True)
            self.publish(f"{site}/.htaccess", rules(site))
        self.evil = self.web / "clients" / "evil"
        # A site that is already served, and another program's file.
        (self.web / VICTIM).write_text(rules("clients/victim"))
        (self.web / VICTIM).chmod(0o644)
        self.secret = self.machine / "wp-config.php"
        self.secret.write_text("<?php // password")
        self.secret.chmod(0o600)

    def publish(self, key: str, body: str, etag: str = "", time: str = EARLIER) -> None:
        self.unpublish(key)
        etag = etag or hashlib.md5(body.encode()).hexdigest()
        self.bucket["objects"].append({"key": key, "body": body, "etag": etag, "time": time})

    def unpublish(self, key: str) -> None:
        self.bucket["objects"] = [item for item in self.bucket["objects"] if item["key"] != key]

    def save_bucket(self) -> None:
        """Replaces the file atomically, because a program may be reading it."""
        self.store.with_suffix(".new").write_text(json.dumps(self.bucket), encoding="utf-8")
        os.rename(self.store.with_suffix(".new"), self.store)

    def command(self, *options: str) -> list:
        self.save_bucket()
        starts_python = b"python" in PROGRAM.read_bytes().split(b"\n")[0]
        return [*([sys.executable] if starts_python else []), str(PROGRAM), *options, "site-bucket", str(self.staging), str(self.web)]

    def environment(self) -> dict:
        return {**os.environ, "PATH": f"{STANDINS}:{os.environ['PATH']}", "FAKE_BUCKET": str(self.store)}

    def start(self, *options: str, before: tuple = ()) -> subprocess.Popen:
        return subprocess.Popen(
            [*before, *self.command(*options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment(), start_new_session=True
        )

    def sync(self, *options: str, status: int = 0, before: tuple = ()) -> str:
        """Runs the program, which must end within the time limit with this status. Returns its messages."""
        process = self.start(*options, before=before)
        try:
            printed, said = process.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.communicate()
            self.fail("the run does not end")
        said = said.decode()
        self.assertEqual(process.returncode, status, said)
        self.assertNotIn("Traceback", said)
        self.assertEqual(printed, b"")
        return said

    def calls(self) -> list:
        """Returns the aws client's calls since the last call."""
        file = self.store.with_suffix(".calls")
        calls = file.read_text().splitlines()
        file.unlink()
        return calls

    def text(self, site: str) -> str:
        return (self.web / site / ".htaccess").read_text()

    def assert_served(self, *sites: str) -> None:
        for site in sites:
            file = self.web / site / ".htaccess"
            found = file.lstat()
            self.assertTrue(stat.S_ISREG(found.st_mode), file)
            self.assertEqual(file.read_text(), rules(site))
            self.assertEqual((stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid), (0o644, os.geteuid(), os.getegid()))

    def assert_unchanged(self, before: dict, *own: str) -> None:
        """Asserts that nothing on the machine changed except these paths in the web root."""
        allowed = {str(self.web / path) for path in own}
        after = snapshot(self.machine)
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        self.assertEqual({path: (before.get(path), after.get(path)) for path in changed - allowed}, {})


def snapshot(folder: Path) -> dict:
    """Returns the type, mode, owner, inode, size, content and link target of each path."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in [".", *folders, *files]:
            path = os.path.join(parent, name)
            status = os.lstat(path)
            content = None
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(status.st_mode) and status.st_size < 1 << 20 and os.access(path, os.R_OK):
                content = Path(path).read_bytes()
            size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
            found[os.path.normpath(path)] = (status.st_mode, status.st_uid, status.st_gid, status.st_ino, size, content)
    return found


def remove_tree(folder: Path) -> None:
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            if not os.path.islink(os.path.join(parent, name)):
                os.chmod(os.path.join(parent, name), 0o700)
    shutil.rmtree(folder)


def modules(*names: str) -> list:
    """Imports modules of the program, for cases that cannot be set up from outside."""
    sys.path.insert(0, str(PROGRAM))
    try:
        return [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(str(PROGRAM))
