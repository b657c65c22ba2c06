"""The parts that the tests of the command line share: the built program, folders and a terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import unittest
from pathlib import Path
from typing import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[3]
HTACCESS = ROOT / "target" / "debug" / "htaccess"

sys.path.insert(0, str(ROOT / "infra" / "local"))

CSV = b"IP,Rule\n192.0.2.1,Allow\n"
BAD_CSV = b"IP,Rule\n192.0.2.1,Allow\n2.2.2,Allow\n"


class FolderTest(unittest.TestCase):
    """A test with a temporary folder."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="htaccess-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name: str, content: bytes) -> Path:
        """Writes a file in the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def run_program(self, *command: str | Path, env: Mapping[str, str] | None = None) -> str:
        """Runs a program in the folder and returns its output. If the program fails, the test fails and shows the
        output."""
        ran = subprocess.run(
            command, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.assertEqual(ran.returncode, 0, f"{command}: {ran.stdout}")
        return ran.stdout


def clean_env(**variables: str) -> dict[str, str]:
    """Returns the environment without variables that set colours, a width, or another repository (as in Git hooks)."""
    chosen = ("NO_COLOR", "CLICOLOR", "TERM", "CI", "PRE_COMMIT_", "COLUMNS", "LINES", "GIT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(chosen)} | variables


def on_terminal(command: Sequence[str | Path], folder: Path, env: Mapping[str, str]) -> str:
    """Returns the text that a program writes to standard error if standard error is a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    written: list[bytes] = []
    program = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs)
    reader = threading.Thread(target=_read_all, args=(ours, written))
    reader.start()
    program.wait()
    # Close the last copy, so that the reader gets the end of the output after it has read everything.
    os.close(theirs)
    reader.join()
    os.close(ours)
    return b"".join(written).decode()


def _read_all(terminal: int, written: list[bytes]) -> None:
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # On Linux, the error is EIO if the other end is closed.
            return
        if not piece:
            return
        written.append(piece)
