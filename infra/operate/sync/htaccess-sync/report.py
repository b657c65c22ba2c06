"""The report of a run: its failures and notices."""

from __future__ import annotations

import os
import sys
from typing import Dict, List, NamedTuple

MAX_SENTENCES = 20
MAX_SHOWN_CHARACTERS = 300


class Failed(Exception):
    """A file cannot be installed or removed. The text is the reason."""


class Absent(Exception):
    """The folder of a site does not exist on this server."""


class Fatal(Exception):
    """The program or the current round cannot continue. The text is the reason."""


class Outcome(NamedTuple):
    """The result for a file: `same`, `installed`, `removed`, `absent` or `failed`. The sentence may be empty."""

    result: str
    sentence: str = ""


class Report:
    """Collects failures and notices, and prints a sentence for each of them at the end of the run, up to a limit."""

    def __init__(self) -> None:
        self.failures = 0
        self.notices = 0
        self._first: Dict[str, List[str]] = {"failures": [], "notices": []}

    def fail(self, sentence: str) -> None:
        self.failures += 1
        self._add("failures", sentence)

    def notice(self, sentence: str) -> None:
        self.notices += 1
        self._add("notices", sentence)

    def _add(self, of: str, sentence: str) -> None:
        if len(self._first[of]) < MAX_SENTENCES:
            self._first[of].append(sentence)

    def print(self) -> int:
        """Prints the report. Returns the exit status."""
        for of, count in (("notices", self.notices), ("failures", self.failures)):
            for sentence in self._first[of]:
                print(f"htaccess-sync: {sentence}", file=sys.stderr)
            if count > MAX_SENTENCES:
                print(f"htaccess-sync: and {count - MAX_SENTENCES} more {of}", file=sys.stderr)
        return 1 if self.failures else 0


def shown(text: str) -> str:
    """Returns a text with a limited length, in which characters that could control a terminal or end a line are escaped."""
    cut = text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "…"
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape", "surrogatepass").decode() for sign in cut)


def reason(err: OSError) -> str:
    return os.strerror(err.errno) if err.errno else str(err)
