"""The version of a release and its date. Both come from files of the commit, so that a release can be built again later."""

import tomllib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The newest entry is the first one, and its last line has the date. Debian's own tools take the date from there too.
CHANGELOG = ROOT / "packaging" / "deb-changelog"
SIGNED = " -- "


def version() -> str:
    """Returns the version of Cargo.toml."""
    return tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["package"]["version"]


def time() -> datetime:
    """Returns the time that all files of a release have, in UTC."""
    lines = CHANGELOG.read_text(encoding="utf-8").splitlines()
    newest = next(line for line in lines if line.startswith(SIGNED))
    return parsedate_to_datetime(newest.rpartition(">  ")[2]).astimezone(UTC)


if __name__ == "__main__":
    print(version())
