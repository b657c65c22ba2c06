"""The commands in documents: fenced shell blocks of Markdown files, and the examples of `htaccess … --help`.

A block of `sh` or `bash` contains only commands. A block of `console` contains commands after `$ `, each followed by
its output, including standard error. In the output, `...` stands for any lines, or within a line for any text. A
command that should fail has a comment with its status at the end: `# exit status 1`.

If a data block follows a line that begins with a file name, such as "`clients/acme.csv`", the file exists with this
content for the commands below it.
"""

import os
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[3]
NOT_OURS = {".git", ".tools", ".aws-sam", "target", "node_modules", "corpus"}
SHELLS = {"sh", "bash", "console"}
# The languages that blocks may have. A block in any other language is an error, because it could contain commands
# that are not tested.
LANGUAGES = SHELLS | {
    *("apache", "caddy", "caddyfile", "csv", "haproxy", "html", "ini", "jinja", "json", "make", "mermaid", "nft", "nftables"),
    *("nginx", "python", "rust", "text", "toml", "xml", "yaml", "diff"),
}
FENCE = re.compile(r"^( *)(`{3,}|~{3,})\s*([\w+-]*)\s*$")
FILE = re.compile(r"^`([\w./-]+\.\w+)`[^`]*$")
STATUS = re.compile(r"#[^#]*\bexit status (\d+)")


class Unclear(Exception):
    """A problem in a document that cannot be read as commands. The text contains the place and says how to fix the
    problem."""


@dataclass(frozen=True)
class Command:
    """A command as it is typed, with continued lines joined."""

    text: str
    line: int
    status: int
    # The expected output, or None if the document shows none.
    output: str | None = None
    # The number of the line after the command, and of the line after its output.
    shown_at: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Block:
    """Commands that are typed one after the other."""

    document: str
    commands: tuple[Command, ...]
    # The path and the content of each file that the document shows above the block.
    files: tuple[tuple[str, str], ...] = ()

    @property
    def first(self) -> str:
        return self.commands[0].text


def markdown() -> list[Path]:
    """Returns the paths of all Markdown files in the project, relative to the root."""
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(set(folders) - NOT_OURS)
        found += [Path(folder, name).relative_to(ROOT) for name in files if name.endswith(".md")]
    return sorted(found)


def fences(document: str, text: str) -> Iterator[tuple[str, int, list[str]]]:
    """Yields the language, the number of the first inner line, and the inner lines of each fenced block in a Markdown
    text."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        start = FENCE.match(lines[at])
        at += 1
        if not start:
            continue
        indent, fence, language = start.groups()
        first = at
        while at < len(lines) and lines[at].strip() != fence:
            at += 1
        if at == len(lines):
            raise Unclear(f"{document}:{first}: the block never ends")
        yield language, first + 1, [line.removeprefix(indent) for line in lines[first:at]]
        at += 1


def prose(text: str) -> list[str]:
    """Returns the lines of a Markdown text. The lines of fenced blocks are empty."""
    lines = text.split("\n")
    for _, first, block in fences("", text):
        for number in range(first - 2, first + len(block)):
            lines[number] = ""
    return lines


def blocks(document: Path) -> list[Block]:
    """Returns the shell blocks of a Markdown file."""
    name = document.as_posix()
    text = (ROOT / document).read_text(encoding="utf-8")
    found = []
    files = []
    for language, first, lines in fences(name, text):
        if language not in LANGUAGES:
            raise Unclear(
                f"{name}:{first - 1}: a block of the language `{language}`: name one that tests/system/documents/documents.py "
                "knows (sh for commands, text for what is not run), or add it there"
            )
        if language not in SHELLS:
            above = [line for line in text.split("\n")[: first - 2] if line.strip()]
            if above and (named := FILE.match(above[-1])):
                files.append((named.group(1), "\n".join(lines) + "\n"))
            continue
        read = _console if language == "console" else _script
        commands = tuple(read(lines, first))
        if not commands:
            raise Unclear(f"{name}:{first}: a shell block without a command")
        found.append(Block(name, commands, tuple(files)))
        files = []
    return found


def help_examples(program: Path, words: tuple[str, ...] = ()) -> list[Block]:
    """Returns the examples in the help of a program and of each of its subcommands."""
    text = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True).stdout
    found = []
    name = " ".join(["htaccess", *words, "--help"])
    commands = tuple(_script(section(text, "Example:", "Examples:"), 1))
    if commands:
        found.append(Block(name, commands))
    for line in section(text, "Commands:"):
        subcommand = line.split()[0]
        # Each subcommand has its own line. Continued lines of descriptions are indented further.
        if line.startswith("  ") and not line.startswith("   ") and subcommand != "help":
            found += help_examples(program, (*words, subcommand))
    return found


def section(text: str, *heads: str) -> list[str]:
    """Returns the indented lines below one of these headings in a help text."""
    lines = text.split("\n")
    found = []
    for at, line in enumerate(lines):
        if line.strip() not in heads:
            continue
        for below in lines[at + 1 :]:
            if below.strip() and not below.startswith(" "):
                break
            if below.strip():
                found.append(below)
    return found


def _script(lines: list[str], first: int) -> Iterator[Command]:
    gathered: list[str] = []
    for number, line in enumerate(lines, first):
        if not gathered and (not line.strip() or line.lstrip().startswith("#")):
            continue
        gathered.append(line if gathered else line.lstrip())
        text = "\n".join(gathered)
        if _is_whole(text):
            yield _command(text, number - len(gathered) + 1)
            gathered = []
    if gathered:
        raise Unclear(f"line {first}: a command that does not end: {gathered[0]}")


def _console(lines: list[str], first: int) -> Iterator[Command]:
    at = 0
    while at < len(lines):
        if not lines[at].startswith("$ "):
            raise Unclear(f"line {first + at}: a console block begins with a command behind `$ `")
        number = first + at
        text = lines[at][2:]
        at += 1
        while not _is_whole(text):
            text += "\n" + lines[at].removeprefix("> ")
            at += 1
        end = at
        while end < len(lines) and not lines[end].startswith("$ "):
            end += 1
        yield replace(_command(text, number, "\n".join(lines[at:end])), shown_at=(first + at, first + end))
        at = end


def _command(text: str, line: int, output: str | None = None) -> Command:
    status = STATUS.search(text)
    return Command(text, line, int(status.group(1)) if status else 0, output)


def _is_whole(text: str) -> bool:
    """Returns whether a shell would run the text, instead of waiting for more lines."""
    if text.rstrip().endswith("\\"):
        return False
    asked = subprocess.run(["bash", "-n"], input=text + "\n", capture_output=True, text=True, check=False)
    return asked.returncode == 0 and "here-document" not in asked.stderr


def show(document: str, command: Command, printed: str) -> None:
    """Replaces the output that a document shows for a command. If several outputs change, start with the last, so
    that the line numbers of the others stay correct."""
    lines = (ROOT / document).read_text(encoding="utf-8").split("\n")
    start, end = (number - 1 for number in command.shown_at)
    lines[start:end] = printed.rstrip("\n").split("\n") if printed.strip() else []
    (ROOT / document).write_text("\n".join(lines), encoding="utf-8")


def looks_alike(shown: str, printed: str) -> bool:
    """Returns whether the printed output matches the output that a document shows."""
    if not shown.strip():
        return not printed.strip()
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() in ("...", "…") else re.escape(line).replace(r"\.\.\.", ".*").replace("…", ".*") + "\n"
        for line in shown.rstrip("\n").split("\n")
    )
    return re.fullmatch(pattern, printed.rstrip("\n") + "\n") is not None
