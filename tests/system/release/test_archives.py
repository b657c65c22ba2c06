"""Archives with the same content have the same bytes, whatever the time, the order, the umask and the time zone are."""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from support import ROOT

import archives
import version
from archives import EXECUTABLE, Entry

WHEN = datetime(2026, 11, 22, 10, 20, 30, tzinfo=UTC)
ENTRIES = [Entry("b/program", b"run", EXECUTABLE), Entry("a", b"text" * 1000), Entry("b/a", b"")]


class Archives(unittest.TestCase):
    def elsewhere(self, make) -> bytes:
        """Returns the archive of the entries in another order, built at another time, in another time zone and with
        another umask."""
        self.addCleanup(time.tzset)
        self.addCleanup(os.umask, os.umask(0o077))
        with mock.patch.dict(os.environ, {"TZ": "Asia/Tokyo"}), mock.patch("time.time", return_value=1e9):
            time.tzset()
            return make(reversed(ENTRIES), WHEN)

    def test_the_same_content_gives_the_same_bytes(self) -> None:
        for make in (archives.tar_gz, archives.zip_archive):
            with self.subTest(make=make.__name__):
                self.assertEqual(make(ENTRIES, WHEN), self.elsewhere(make))

    def test_a_tar_archive(self) -> None:
        with tarfile.open(fileobj=io.BytesIO(archives.tar_gz(ENTRIES, WHEN))) as archive:
            found = [(one.name, one.mode, one.mtime, one.uid, one.gid, one.uname, one.gname) for one in archive.getmembers()]
            seconds = int(WHEN.timestamp())
            root = (0, 0, "", "")
            self.assertEqual(found, [("a", 0o644, seconds, *root), ("b/a", 0o644, seconds, *root), ("b/program", 0o755, seconds, *root)])
            self.assertEqual(archive.extractfile("a").read(), b"text" * 1000)

    def test_a_zip_archive(self) -> None:
        with zipfile.ZipFile(io.BytesIO(archives.zip_archive(ENTRIES, WHEN))) as archive:
            found = [(one.filename, one.external_attr >> 16, one.date_time) for one in archive.infolist()]
            times = (2026, 11, 22, 10, 20, 30)
            self.assertEqual(found, [("a", 0o100644, times), ("b/a", 0o100644, times), ("b/program", 0o100755, times)])
            self.assertLess(archive.getinfo("a").compress_size, 100)
            self.assertIsNone(archive.testzip())

    def test_the_time_is_that_of_the_newest_entry_of_the_changelog(self) -> None:
        text = "a (2) unstable\n\n -- a <a@b>  Sun, 22 Nov 2026 01:00:00 +0200\n\na (1) unstable\n\n -- a <a@b>  Sat, 21 Nov 2026 00:00:00 +0000\n"
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "changelog")
            file.write_text(text)
            with mock.patch.object(version, "CHANGELOG", file):
                self.assertEqual(version.time(), datetime(2026, 11, 21, 23, tzinfo=UTC))


class PythonProgram(unittest.TestCase):
    """htaccess-sync as a single file."""

    def build(self, folder: str) -> bytes:
        subprocess.run(["make", "--silent", "htaccess-sync", f"PYTHON={sys.executable}"], cwd=folder, check=True)
        return Path(folder, "target", "htaccess-sync").read_bytes()

    def test_it_has_the_same_bytes_in_another_folder_and_at_another_time(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("Makefile", "Cargo.toml", "packaging/deb-changelog", "infra/release", "infra/operate/sync"):
                Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cp", "-R", ROOT / name, Path(folder, name)], check=True)
            sources = Path(folder, "infra/operate/sync/htaccess-sync")
            (sources / "__pycache__").mkdir(exist_ok=True)
            (sources / "__pycache__" / "run.cpython-311.pyc").write_bytes(b"cached")
            for path in sources.iterdir():
                os.utime(path, (1e9, 1e9))
            self.assertEqual(self.build(folder), self.build(str(ROOT)))

    def test_it_runs(self) -> None:
        self.build(str(ROOT))
        said = subprocess.run([ROOT / "target" / "htaccess-sync", "--help"], capture_output=True, text=True, check=True).stdout
        self.assertIn("usage: htaccess-sync", said)


if __name__ == "__main__":
    unittest.main()
