"""Finds the packages that are linked into the two programs.

The module uses `cargo tree`, which resolves features like a build of the program. Most tools use `cargo metadata`, which
includes the features of development dependencies. It lists the AWS SDK as a dependency of the command line, because this
project's tests build both programs together. Macros and build scripts are left out, because they run during a build but
are not linked.
"""

import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Cargo's options for building each program.
PROGRAMS = {"bootstrap": ("--no-default-features", "--features", "function"), "htaccess": ()}
# The targets of the released programs, by the values of the parameter Architecture.
TARGETS = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
OWN = "htaccess-generator"
LINE = re.compile(r"(?P<depth>\d+) (?P<name>\S+) v(?P<version>\S+)(?: \(.*?\))?\|(?P<licence>[^|]*)\|(?: \(\*\))?")


@dataclass(frozen=True, order=True)
class Package:
    """A package from crates.io, or this project's own package. The licence is an SPDX expression."""

    name: str
    version: str
    licence: str

    @property
    def purl(self) -> str:
        """Returns the package URL, which identifies the package in SBOMs."""
        return f"pkg:cargo/{self.name}@{self.version}"


def linked(program: str, architecture: str) -> dict[Package, set[Package]]:
    """Returns all packages that are linked into a program, including its own, each with its direct dependencies."""
    command = ["cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "depth"]
    command += ["--format", " {p}|{l}|", "--target", TARGETS[architecture], *PROGRAMS[program]]
    found: dict[Package, set[Package]] = {}
    path: list[Package] = []
    for line in _output(command).splitlines():
        parts = LINE.fullmatch(line)
        if not parts:
            raise ValueError(f"cargo tree printed a line of unknown form: {line}")
        package = Package(parts["name"], parts["version"], _expression(parts["licence"]))
        del path[int(parts["depth"]) :]
        if path:
            found[path[-1]].add(package)
        found.setdefault(package, set())
        path.append(package)
    return found


def checksums() -> dict[tuple[str, str], str]:
    """Returns the SHA-256 of each package in Cargo.lock, by name and version."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    return {(entry["name"], entry["version"]): entry["checksum"] for entry in lock["package"] if "checksum" in entry}


def rust_version() -> str:
    """Returns the version of the compiler, which is also the version of the standard library."""
    return _output(["rustc", "--version"]).split()[1]


def _output(command: list[str]) -> str:
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout


def _expression(licence: str) -> str:
    """Returns a licence as an SPDX expression. Older packages use a slash instead of OR."""
    return re.sub(r"\s*/\s*", " OR ", licence.strip())
