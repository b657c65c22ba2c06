#!/usr/bin/env python3
"""Builds all files of a release into a folder. The same commit and the same tools give the same bytes.

    dist.py FOLDER            everything, for each processor whose standard library of Rust is installed
    dist.py --quick FOLDER    for this processor only, with a profile that compiles fast: for tests

    aws/                      the folder that is uploaded to a bucket, for a deployment without the SAM CLI (packaged.py)
    *-aws.zip                 the same folder in one file
    htaccess-*.tar.gz         the command line with its manual pages, completions, documents and licences
    *.deb                     the same as a Debian package
    htaccess-sync*            the program for web servers, with a service and a timer of systemd
    queue.conf                the settings of that service for a queue
    *.cdx.json                what each program links (infra/supply/sbom.py)
    SHA256SUMS                the checksums of all of these
"""

import argparse
import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import Iterable, Mapping

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("local", "supply")]

import archives
import packaged
import sbom
import tools
import version
from archives import EXECUTABLE, Entry
from linked import PROGRAMS
from process import Problem, clean_env, exit_status, run, say

ROOT = version.ROOT
SUMS = "SHA256SUMS"
SYNC = ROOT / "infra" / "operate" / "sync"
# The folder in which Cargo.toml expects the generated files for the Debian package.
DESCRIBED = ROOT / "target" / "packaging"
COMPLETIONS = ("htaccess.bash", "htaccess.zsh", "htaccess.fish")
DOCUMENTS = ("README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-LICENSES.txt", "docs/*.md")


def main(arguments: list[str]) -> int:
    """Builds a release. A `Problem` is printed with its hint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="for tests: only this processor, with a profile that compiles fast")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="it is emptied first")
    parsed = parser.parse_args(arguments)
    if parsed.quick:
        return exit_status(lambda: write(parsed.folder, [tools.architecture()], tools.QUICK_PROFILE))
    return exit_status(lambda: write(parsed.folder, architectures(), {}))


def architectures() -> list[str]:
    """Returns the processors for which this machine can build. x86_64, the default of the template, comes first."""
    for architecture, triple in tools.TRIPLES.items():
        if not tools.can_compile(architecture):
            say(f"{architecture} is skipped, because its standard library is not installed: rustup target add {triple}")
    found = [architecture for architecture in tools.TRIPLES if tools.can_compile(architecture)]
    if tools.architecture() not in found:
        raise Problem("the standard library of Rust is not installed for this machine", f"install Rust with {tools.RUSTUP}")
    return found


def write(folder: Path, built_for: list[str], profile: Mapping[str, str]) -> None:
    """Builds the programs and writes the files."""
    tools.install(("build",))
    functions = {one: tools.compile_function(one, profile) for one in built_for}
    command_lines = {one: tools.compile_command_line(one, profile) for one in built_for}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _describe()
    _write_aws(folder, functions)
    for architecture, program in command_lines.items():
        name = f"htaccess-{version.version()}-{architecture}-linux"
        (folder / f"{name}.tar.gz").write_bytes(archives.tar_gz(_command_line(name, program), version.time()))
    for architecture in built_for:
        _write_debian_package(folder, architecture)
    _write_sync(folder)
    for program in PROGRAMS:
        for architecture in built_for:
            (folder / f"{program}-{architecture}.cdx.json").write_text(sbom.sbom(program, architecture), encoding="utf-8")
    _write_sums(folder)
    files = _files(folder)
    say(f"{folder}: {len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB")


def _describe() -> None:
    """Writes manual pages and completions with this machine's program. They are the same for all processors."""
    command = [str(ROOT / "packaging" / "describe"), str(tools.command_line(tools.architecture())), str(DESCRIBED)]
    run("manual pages and completions", command, tools.LOGS / "describe.log", clean_env(), ROOT)


def _write_aws(folder: Path, functions: Mapping[str, bytes]) -> None:
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    others = {name: (ROOT / "infra" / name).read_text(encoding="utf-8") for name in packaged.NESTED + packaged.SEPARATE}
    zipped = {one: archives.zip_archive([Entry("bootstrap", program, EXECUTABLE)], version.time()) for one, program in functions.items()}
    files = packaged.files(template, others, zipped, version.version())
    entries = [Entry(f"{packaged.FOLDER}/{name}", content) for name, content in files.items()]
    for entry in entries:
        path = folder / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(entry.content)
    (folder / f"htaccess-generator-{version.version()}-aws.zip").write_bytes(archives.zip_archive(entries, version.time()))


def _command_line(name: str, program: bytes) -> Iterable[Entry]:
    """Returns the files of the archive with the command line, in a folder with this name."""
    yield Entry(f"{name}/htaccess", program, EXECUTABLE)
    for page in (DESCRIBED / "man").iterdir():
        yield Entry(f"{name}/man/man1/{page.name}", page.read_bytes())
    for script in COMPLETIONS:
        yield Entry(f"{name}/completions/{script}", (DESCRIBED / script).read_bytes())
    for pattern in DOCUMENTS:
        for document in ROOT.glob(pattern):
            yield Entry(f"{name}/{document.relative_to(ROOT)}", document.read_bytes())


def _write_debian_package(folder: Path, architecture: str) -> None:
    env = clean_env() | {"SOURCE_DATE_EPOCH": str(int(version.time().timestamp())), "CARGO_TARGET_DIR": str(tools.COMMAND_LINE_TARGET)}
    # The program contains no symbols, so it is not stripped again. Another version of strip could change its bytes.
    command = [str(tools.TOOLS / "cargo" / "bin" / "cargo-deb"), "--no-build", "--no-strip"]
    command += ["--variant", "release", "--target", tools.TRIPLES[architecture], "--output", str(folder.resolve())]
    run(f"cargo deb {architecture}", command, tools.LOGS / "cargo-deb.log", env, ROOT)


def _write_sync(folder: Path) -> None:
    program = folder / "htaccess-sync"
    program.write_bytes(archives.python_program(SYNC / "htaccess-sync", version.time()))
    program.chmod(EXECUTABLE)
    for name in ("htaccess-sync.service", "htaccess-sync.timer", "queue.conf"):
        (folder / name).write_bytes((SYNC / name).read_bytes())


def _write_sums(folder: Path) -> None:
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in _files(folder)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
