"""Checks that the commands in running text, such as `make test-stack` or `htaccess check`, and their options exist.

These commands are looked up, not run. Commands that a reader should type belong in a block.
"""

import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

from documents import ROOT, markdown, prose, section

SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
OPTION = re.compile(r"(?:^|[\s\[,])(--[a-z][\w-]*)")
# The changelog describes what changed, so it can contain commands that no longer exist.
HISTORY = "CHANGELOG.md"
PYTHON = "python3"


def problems(program: Path, offline: bool) -> list[str]:
    """Returns the commands and options that do not exist."""
    found = []
    for document in markdown():
        if document.name == HISTORY:
            continue
        for number, line in enumerate(prose((ROOT / document).read_text(encoding="utf-8")), 1):
            for span in SPAN.findall(line):
                found += [f"{document}:{number}: `{span}`: {problem}" for problem in _look_up(program, span, offline)]
    return found


def _look_up(program: Path, span: str, offline: bool) -> list[str]:
    try:
        words = shlex.split(span, comments=True)
    except ValueError:  # Not a command.
        return []
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    known = {"make": _make, "cargo": _cargo, PYTHON: _script, "sam": _sam, "aws": _aws}
    # Commands that are joined by && are looked up separately.
    if "&&" in words:
        at = words.index("&&")
        rest = " ".join(map(shlex.quote, words[at + 1 :]))
        return _look_up(program, " ".join(map(shlex.quote, words[:at])), offline) + _look_up(program, rest, offline)
    if len(words) < 2:
        return []
    first, rest = words[0], words[1:]
    if first == "htaccess":
        return _htaccess(program, rest)
    if first in ("sam", "aws") and offline:
        return []
    if re.match(r"(infra|benches|tests)/[\w/.-]+$", first):
        return _script(words)
    return known[first](rest) if first in known else []


def _htaccess(program: Path, words: list[str]) -> list[str]:
    commands = []
    for word in words:
        if not re.fullmatch(r"[a-z]+", word) or not _has_command(_help(program, *commands), word):
            break
        commands.append(word)
    text = _help(program, *commands)
    if not commands and re.fullmatch(r"[a-z]{3,}", words[0]) and words[0] != "help":
        return [f"htaccess has no command {words[0]}"]
    return _unknown(words, text, f"htaccess {' '.join(commands)}")


def _has_command(text: str, word: str) -> bool:
    return any(line.split()[0] == word for line in section(text, "Commands:"))


def _make(words: list[str]) -> list[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    verbs = [word for word in words if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
    return [f"make has no verb {verb}" for verb in verbs if not re.search(rf"^{verb}:", text, re.MULTILINE)]


def _cargo(words: list[str]) -> list[str]:
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    names = [words[at + 1] for at, word in enumerate(words[:-1]) if word in ("--test", "--bench", "--bin")]
    return [f"Cargo.toml has no {name}" for name in names if f'name = "{name}"' not in text]


def _script(words: list[str]) -> list[str]:
    if not words[0].endswith(".py"):
        return [] if (ROOT / words[0]).exists() or words[0].startswith("-") else [f"there is no {words[0]}"]
    if not (ROOT / words[0]).exists():
        return [f"there is no {words[0]}"]
    commands = tuple(word for word in words[1:2] if re.fullmatch(r"[a-z]+", word))
    return _unknown(words, _help(PYTHON, str(ROOT / words[0]), *commands), words[0])


def _sam(words: list[str]) -> list[str]:
    verb = words[: 2 if words[0] in ("local", "remote") else 1]
    return _unknown(words, _help(ROOT / ".tools" / "sam" / "bin" / "sam", *verb), f"sam {' '.join(verb)}")


def _aws(words: list[str]) -> list[str]:
    """Reads the aws client's own tables, because its help needs a pager and a formatter for manual pages."""
    if len(words) < 2:
        return []
    if words[0] == "s3":
        return _aws_s3(words)
    return _unknown(words, _aws_options(*words[:2]), f"aws {words[0]} {words[1]}")


def _aws_s3(words: list[str]) -> list[str]:
    """Runs the aws client with an endpoint that nothing listens on. Its options for `s3` are defined in too many
    places to look them up."""
    paths = [] if any(word.startswith("s3://") for word in words) else ["s3://nothing/", "/nonexistent"]
    nobody = ["--endpoint-url", "http://127.0.0.1:9", "--no-sign-request", "--region", "us-east-1"]
    command = [ROOT / ".tools" / "cloud" / "bin" / "aws", *words, *paths, *nobody]
    said = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/", "AWS_MAX_ATTEMPTS": "1"}).stderr
    return [said.strip()] if "Unknown options" in said or "usage:" in said else []


@cache
def _aws_options(service: str, operation: str) -> str:
    ask = """
import sys
from awscli.clidriver import create_clidriver
driver = create_clidriver()
service = driver._get_command_table()[sys.argv[1]]
operation = getattr(service, "subcommand_table", None) or service._get_command_table()
print(" ".join(f"--{name}" for name in [*driver._get_argument_table(), *operation[sys.argv[2]].arg_table]))
"""
    asked = subprocess.run(
        [ROOT / ".tools" / "cloud" / "bin" / "python", "-c", ask, service, operation], capture_output=True, text=True, check=False
    )
    return asked.stdout or "there is no such command"


def _unknown(words: list[str], text: str, program: str) -> list[str]:
    if not text or text == "there is no such command":
        return [f"there is no {program}"]
    known = set(OPTION.findall(text))
    options = [word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)]
    return [f"{program} has no {option}" for option in options if option not in known]


@cache
def _help(program: Path | str, *words: str) -> str:
    asked = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=False)
    return asked.stdout if asked.returncode == 0 else ""
