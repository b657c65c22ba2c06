#!/usr/bin/env python3
"""Runs every command that the documents and `htaccess … --help` show, as a user would, and follows their links.

    tests/system/documents/run.py            everything; needs what `make install` installs
    tests/system/documents/run.py --offline  only what needs no local cloud: `htaccess`, links, mentions
    tests/system/documents/run.py --update   everything, and writes the output of commands into the documents
    tests/system/documents/run.py --list     where each command runs

places.py says where commands run, and how to place a new one.
"""

import argparse
import contextlib
import os
import random
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

sys.dont_write_bytecode = True
import documents
import links
import mentions
from documents import ROOT, Block, Unclear
from places import CLOUD, NEUTRAL, OFFLINE, OPERATIONS, PLACES, Place
from session import Scratch, Step, run

FILES = Path(__file__).with_name("files")
# The document that new users read first.
FIRST = ("README.md",)
HOW = "tests/system/documents/places.py says how to place a command"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offline", action="store_true", help="leave out what needs the local cloud")
    parser.add_argument("--list", action="store_true", help="say where each command runs, and run none")
    parser.add_argument("--update", action="store_true", help="let `console` blocks show what is printed now: read the difference")
    parser.add_argument("--only", metavar="TEXT", help="documents whose names contain this")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="htaccess-docs-") as folder:
        try:
            problems = check(Path(folder), parsed)
        except Unclear as unclear:
            problems = [str(unclear)]
    for problem in problems:
        print(f"\n{problem}", file=sys.stderr)
    if problems:
        print(f"\n{len(problems)} problems; {HOW}", file=sys.stderr)
    return 1 if problems else 0


def check(folder: Path, parsed: argparse.Namespace) -> list[str]:
    """Runs all checks. Returns the problems."""
    problems = [] if parsed.only else links.problems()
    blocks = [block for document in documents.markdown() for block in documents.blocks(document)]
    scratch = Scratch(folder / "offline", FILES)
    program = _install(scratch, blocks)
    blocks += documents.help_examples(program)
    problems += unplaced(blocks) + unused(blocks)
    if parsed.list:
        _list(blocks)
    if parsed.list or problems:
        return problems
    if parsed.only:
        blocks = [block for block in blocks if parsed.only in block.document]
    problems += run_all(scratch, sessions(blocks, True), parsed.update)
    if parsed.offline:
        return problems + mentions.problems(program, offline=True)
    # Two local clouds run in parallel, because almost every machine has at least two cores. One is only for the
    # operations guide.
    in_cloud = sessions(blocks, False)
    groups = [[one for one in in_cloud if (one[0] == OPERATIONS) == alone] for alone in (False, True)]
    with ThreadPoolExecutor() as pool:
        found = [pool.submit(_run_in_cloud, folder, scratch.home, group, parsed.update) for group in groups if group]
        if not parsed.only:
            found.append(pool.submit(mentions.problems, program, offline=False))
        return problems + [problem for one in found for problem in one.result()]


def run_all(scratch: Scratch, documents_steps: list[tuple[str, list[Step]]], update: bool) -> list[str]:
    """Runs sessions one after the other. Returns the problems."""
    problems = []
    for document, steps in documents_steps:
        _add_readme_files(scratch.work)  # A previous document may have replaced these files.
        began = time.monotonic()
        # The commands of a tour run in the tour's folder.
        where = str(Path(document).parent) if document.startswith("examples/") else "."
        found = run(scratch, steps, where, update)
        count = sum(len(step.block.commands) for step in steps)
        print(f"{'FAILED' if found else 'ok'}: {count} commands of {document} ({time.monotonic() - began:.1f} s)", flush=True)
        problems += found
    return problems


def _run_in_cloud(folder: Path, home: Path, documents_steps: list[tuple[str, list[Step]]], update: bool) -> list[str]:
    port = _free_port()
    scratch = Scratch(folder / str(port), FILES, port, home)
    try:
        return run_all(scratch, documents_steps, update)
    finally:
        # Stops the cloud if a command left it running.
        if (ROOT / ".tools" / "run" / str(port)).exists():
            subprocess.run(["make", "-s", "down"], cwd=ROOT, env={**os.environ, "CLOUD_PORT": str(port)}, check=False)


def _free_port() -> int:
    """Returns a free port below 32768. Linux gives higher ports to other programs, and the cloud starts only after a build."""
    while True:
        port = random.randrange(10_000, 32_768)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _list(blocks: list[Block]) -> None:
    for block in blocks:
        for command in block.commands:
            where = "offline" if is_offline(block) else "cloud  "
            print(f"{where}  {block.document}:{command.line}: {command.text.splitlines()[0]}")


def sessions(blocks: list[Block], offline: bool) -> list[tuple[str, list[Step]]]:
    """Returns the blocks that run offline or in the cloud, grouped by document."""
    gathered: dict[str, list[Step]] = {name: [] for name in FIRST}
    # A file that a document shows exists for all blocks below it, even if they run in another session.
    files: dict[str, tuple[tuple[str, str], ...]] = {}
    for block in blocks:
        files[block.document] = (*files.get(block.document, ()), *block.files)
        if is_offline(block) == offline:
            place = place_of(block)
            block = replace(block, files=files.pop(block.document))
            step = Step(block, place.before, place.after, tuple(place.words.items()))
            gathered.setdefault(block.document, []).append(step)
    return [(document, steps) for document, steps in gathered.items() if steps]


def place_of(block: Block) -> Place:
    """Returns the entry of PLACES for a block. If several entries match, the one with the longest beginning counts."""
    fitting = [key for key in PLACES if key[0] == block.document and block.first.startswith(key[1])]
    return PLACES[max(fitting, key=lambda key: len(key[1]))] if fitting else Place()


def is_offline(block: Block) -> bool:
    return not any(programs(command.text) & CLOUD for command in block.commands)


def unplaced(blocks: list[Block]) -> list[str]:
    """Returns a problem for each program in a command that has no place to run."""
    problems = []
    for block in blocks:
        defined = {name for command in block.commands for name in re.findall(r"^\s*(\w+)\(\)", command.text, re.MULTILINE)}
        if block.document == OPERATIONS:
            defined.add("output")  # The first block of this document defines it.
        for command in block.commands:
            for program in sorted(programs(command.text) - NEUTRAL - OFFLINE - CLOUD - defined):
                problems.append(f"{block.document}:{command.line}: no test knows how to run `{program}`: {command.text}\n{HOW}")
    return problems


def unused(blocks: list[Block]) -> list[str]:
    """Returns a problem for each entry of PLACES that matches no block."""
    used = {key for block in blocks for key in PLACES if key[0] == block.document and block.first.startswith(key[1])}
    return [f"tests/system/documents/places.py: no block begins like {key}" for key in set(PLACES) - used]


def programs(text: str) -> set[str]:
    """Returns the programs in a command: the first word of each of its parts."""
    text = re.sub(r"<<-?\s*'?(\w+)'?(.*)\n(?:.*\n)*?\s*\1\b", r"\2", text).replace("\\\n", " ").replace("\n", " ; ")
    text = re.sub(r"\$\(\(.*?\)\)", "0", text)
    found = set()
    while inner := re.search(r"\$\(([^()]*)\)", text):
        found |= programs(inner.group(1))
        text = text[: inner.start()] + "0" + text[inner.end() :]
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    first, skip = True, False
    for word in lexer:
        if skip:
            skip = False
        elif word[0] in "<>":
            skip = True
        elif set(word) <= set("&|;()"):
            first = True
        elif first and not re.match(r"\w+\+?=", word):
            first = word in ("!", "{", "if", "then", "else", "do", "while", "until", "sudo")
            if not first and word not in ("}", "&"):
                found.add(word)
    return found


def _install(scratch: Scratch, blocks: list[Block]) -> Path:
    """Installs `htaccess` with the `cargo install` command in the README."""
    lines = [command.text for block in blocks for command in block.commands if block.document == "README.md"]
    install = next(line for line in lines if line.startswith("cargo install"))
    print(install, flush=True)
    subprocess.run(["bash", "-c", install], cwd=scratch.work, env=scratch.environment(), check=True)
    return scratch.home / ".cargo" / "bin" / "htaccess"


def _add_readme_files(work: Path) -> None:
    """Writes the README's CSV with the file names that the documents use."""
    fences = documents.fences("README.md", (ROOT / "README.md").read_text(encoding="utf-8"))
    csv = next("\n".join(lines) + "\n" for language, _, lines in fences if language == "csv")
    (work / "clients").mkdir(exist_ok=True)
    for name in ("acme.csv", "clients/acme.csv"):
        (work / name).write_text(csv)


if __name__ == "__main__":
    sys.exit(main())
