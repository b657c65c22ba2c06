"""The output that appears only on a terminal and not in a pipe: colours, and the progress of long work."""

import os
import re
import subprocess
import threading
import time
import unittest

from support import BAD_CSV, CSV, HTACCESS, FolderTest, clean_env, on_terminal

# Longer than the time after which the program shows a progress bar.
LONG_SECONDS = 0.8


class Terminal(FolderTest):
    def check(self, *arguments: str, **variables: str) -> str:
        """Returns what `htaccess check` writes to a terminal."""
        return on_terminal([HTACCESS, "check", *arguments], self.folder, clean_env(**variables))

    def slow_file(self, name: str) -> None:
        """Creates a file whose content arrives late, as from a slow disk."""
        path = self.folder / name
        os.mkfifo(path)

        def write() -> None:
            with path.open("wb") as pipe:
                time.sleep(LONG_SECONDS)
                pipe.write(CSV)

        writer = threading.Thread(target=write)
        writer.start()
        self.addCleanup(writer.join)

    def test_only_terminals_get_colours(self) -> None:
        self.write("a.csv", BAD_CSV)
        self.assertIn("\x1b[33mrejected", self.check("a.csv", TERM="xterm").replace("\x1b[1m", ""))
        for variables in ({"TERM": "dumb"}, {}, {"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "xterm", "CI": "true", "NO_COLOR": "1"}):
            self.assertNotIn("\x1b", self.check("a.csv", **variables), variables)
        # Logs of continuous integration show colours even if TERM is `dumb`.
        self.assertIn("\x1b[33mrejected", self.check("a.csv", TERM="dumb", CI="true").replace("\x1b[1m", ""))
        self.assertNotIn("\x1b", self.check("a.csv", "--color", "never", TERM="xterm"))

    def test_the_progress_of_many_files_has_a_rate_and_the_time_left(self) -> None:
        self.slow_file("a.csv")
        self.slow_file("b.csv")
        self.write("c.csv", CSV)
        shown = self.check("a.csv", "b.csv", "c.csv", "--jobs", "1", TERM="xterm")
        self.assertRegex(shown, r"[=>]+ +1/3 files, [0-9.]+/s, [0-9]+s left")
        # At the end, the bar disappears and the summary stays.
        self.assertRegex(shown, r"\x1b\[2K[^/]*3 files fine, 0 refused; 0 rows rejected\r\n$")

    def test_the_progress_of_one_file_is_counted_in_bytes(self) -> None:
        self.write("a.csv", b"IP,Rule\n" + b"192.0.2.1,Allow,comment\n" * 2_000_000)
        shown = self.check("a.csv", TERM="xterm")
        self.assertRegex(shown, r"[=>]+ +[0-9.]+ MiB/45\.78 MiB, [0-9.]+ [KM]iB/s, [0-9]+s left")

    def test_no_progress_is_shown_without_a_terminal(self) -> None:
        summary = "2 files fine, 0 refused; 0 rows rejected\n"
        for name in ("a.csv", "b.csv", "c.csv", "d.csv"):
            self.slow_file(name)
        files = [HTACCESS, "check", "--jobs", "1"]
        piped = subprocess.run([*files, "a.csv", "b.csv"], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((piped.stdout, piped.stderr), ("", summary))
        dumb = self.check("c.csv", "d.csv", "--jobs", "1", TERM="dumb")
        self.assertEqual(dumb.replace("\r", ""), summary)

    def test_short_work_shows_no_bar(self) -> None:
        for number in range(10):
            self.write(f"sites/{number}.csv", CSV)
        shown = self.check("sites", TERM="xterm")
        self.assertEqual(re.sub("\r", "", shown), "10 files fine, 0 refused; 0 rows rejected\n")


if __name__ == "__main__":
    unittest.main()
