"""The version and the time of a release. Both come from files in the commit, so that a release can be reproduced later."""

import tomllib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The first entry is the newest, and its last line contains the date. Debian's own tools also use this date.
CHANGELOG = ROOT / "packaging" / "deb-changelog"
SIGNED = " -- "


def version() -> str:
    """Returns the version in Cargo.toml."""
    return tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["package"]["version"]


def time() -> datetime:
    """Returns the time of all files in a release, in UTC."""
    lines = CHANGELOG.read_text(encoding="utf-8").splitlines()
    newest = next(line for line in lines if line.startswith(SIGNED))
    return parsedate_to_datetime(newest.rpartition(">  ")[2]).astimezone(UTC)


if __name__ == "__main__":
    print(version())
