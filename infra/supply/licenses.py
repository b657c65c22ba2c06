#!/usr/bin/env python3
"""Writes THIRD-PARTY-LICENSES.txt, the licences and notices of everything that is linked into the programs.

    licenses.py            write the file
    licenses.py --check    fail if the file is out of date

Every licence file of a package is included, even if the package offers a choice of licences. Identical texts are included
once. The texts for the standard library come from the compiler's documentation.
"""

import html
import json
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import linked
from linked import OWN, PROGRAMS, ROOT, TARGETS, Package

TARGET = ROOT / "THIRD-PARTY-LICENSES.txt"
# The start of the names of files that contain a licence, a notice or the authors.
NOTICE = re.compile(r"(?i)(un)?(licen[cs]e|copying|copyright|notice|authors|patents)")
LINE = "-" * 80
INTRODUCTION = """Licences of third parties

This product is licensed as LICENSE-MIT or LICENSE-APACHE says. Its programs for Linux contain the packages below: bootstrap
is the function, htaccess the command line. The texts below are the licences and notices that the packages contain.
`make licenses` writes this file.
"""


@dataclass(frozen=True)
class Notice:
    """A licence or notice file of a package, with its text."""

    package: str
    file: str
    text: str


def content() -> str:
    """Returns the text of the file."""
    programs = _programs()
    sources = _sources()
    notices = []
    for package in sorted(programs):
        notices += _notices(package, sources[package.name, package.version]) or [_standard(package, sources[package.name, package.version])]
    standard = _standard_library()
    lines = [INTRODUCTION]
    lines += [f"{package.name} {package.version}: {package.licence} ({', '.join(programs[package])})" for package in sorted(programs)]
    lines.append(f"rust-std {linked.rust_version()}, the Rust standard library: MIT OR Apache-2.0 ({', '.join(PROGRAMS)}), which contains")
    lines += [f"  {name}" for name in dict.fromkeys(notice.package for notice in standard)]
    by_text = defaultdict(list)
    for notice in [*notices, *standard]:
        by_text[" ".join(notice.text.split())].append(notice)
    for same in by_text.values():
        holders = dict.fromkeys(f"{notice.package} ({notice.file})" for notice in same)
        lines += ["", LINE, *holders, LINE, "", same[0].text]
    return "\n".join(lines) + "\n"


def _programs() -> dict[Package, list[str]]:
    """Returns the third-party packages that are linked on any architecture, each with the programs that contain it."""
    found: dict[Package, list[str]] = {}
    for program in PROGRAMS:
        packages = {package for architecture in TARGETS for package in linked.linked(program, architecture)}
        for package in packages:
            if package.name != OWN:
                found.setdefault(package, []).append(program)
    return found


def _sources() -> dict[tuple[str, str], dict]:
    """Returns the metadata of each package, including its folder, by name and version."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    answer = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    return {(package["name"], package["version"]): package for package in answer["packages"]}


def _notices(package: Package, source: dict) -> list[Notice]:
    folder = Path(source["manifest_path"]).parent
    files = [file for file in sorted(folder.iterdir()) if NOTICE.match(file.name)]
    files = [file for entry in files for file in (sorted(entry.rglob("*")) if entry.is_dir() else [entry]) if file.is_file()]
    # Rust modules are left out, because they can also have such names.
    files = [file for file in files if file.suffix != ".rs"]
    return [Notice(f"{package.name} {package.version}", str(file.relative_to(folder)), _clean(file.read_text(encoding="utf-8"))) for file in files]


def _standard(package: Package, source: dict) -> Notice:
    """Returns the standard text of the licence for a package without a licence file."""
    licences = re.split(r" OR ", package.licence)
    if "Apache-2.0" in licences:
        text = (ROOT / "LICENSE-APACHE").read_text(encoding="utf-8")
    elif "MIT" in licences:
        own = (ROOT / "LICENSE-MIT").read_text(encoding="utf-8")
        text = f"MIT License\n\nCopyright (c) the authors of {source['repository']}\n\n{own[own.index('Permission is hereby') :]}"
    else:
        raise SystemExit(f"{package.name} {package.version} has no licence file, and there is no usual text for {package.licence}: add one")
    return Notice(f"{package.name} {package.version}", "without a licence file", _clean(text))


def _standard_library() -> list[Notice]:
    """Returns the notices of the packages in the standard library, from a page that is installed with the compiler."""
    root = subprocess.run(["rustc", "--print", "sysroot"], cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
    page = Path(root.strip()) / "share" / "doc" / "rust" / "COPYRIGHT-library.html"
    if not page.is_file():
        raise SystemExit(f"there is no {page}: install Rust with rustup")
    notices = []
    for section in page.read_text(encoding="utf-8").split("<h3>")[1:]:
        name, version = re.match(r"\W*(.+?)-(\d[^<]*)</h3>", section).groups()
        files = re.findall(r"<summary><code>(.*?)</code></summary>\s*<pre>\n?(.*?)</pre>", section, re.DOTALL)
        notices += [Notice(f"{name} {version}", html.unescape(file), _clean(html.unescape(text))) for file, text in files]
    return notices


def _clean(text: str) -> str:
    """Returns a text without white space at the ends of lines, and without empty lines at its start and end."""
    lines = [line.rstrip() for line in text.replace("\f", "").splitlines()]
    return "\n".join(lines).strip("\n")


def main(arguments: list[str]) -> int:
    """Writes or checks the file."""
    if arguments not in ([], ["--check"]):
        print("usage: licenses.py [--check]", file=sys.stderr)
        return 2
    wanted = content()
    if not arguments:
        TARGET.write_text(wanted, encoding="utf-8")
    elif not TARGET.is_file() or TARGET.read_text(encoding="utf-8") != wanted:
        print(f"{TARGET.name} does not match the linked packages: run `make licenses`, and commit the file", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
