"""A user's shell, in which the commands of a document run one after the other.

The shell sources each command from a separate file. Variables, functions and `eval "$(make -s env)"` therefore stay
in effect for later commands, and each command has its own status and output.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from documents import ROOT, Block, Command, looks_alike, show

# The limit only ends commands that hang, because a busy machine takes several times as long as an idle one.
SECONDS_MAX = 1800
STANDINS = Path(__file__).with_name("standins")
# Parts of a checkout that are large or must be the originals are links. Everything else is copied, because commands
# write to it.
LINKED = ("target", ".tools", "infra", "fuzz")
LEFT_OUT = (".git", ".aws-sam", "dist", "__pycache__")
# Variables that would redirect a user's programs to an AWS account, to the folders of this run or to another
# repository (as in Git hooks), or that set colours or a width.
FOREIGN = ("AWS_", "MAKE", "MFLAGS", "CARGO_TARGET", "GIT_", "NO_COLOR", "CLICOLOR", "COLUMNS", "LINES")
# Debian installs some programs in folders that are only in root's PATH.
PATH_MORE = "/usr/sbin:/sbin"


@dataclass(frozen=True)
class Step:
    """A block with the commands before and after it, and the values of its placeholders."""

    block: Block
    before: str = ""
    after: str = ""
    words: tuple[tuple[str, str], ...] = ()


class Scratch:
    """A folder with the project and a user's files, a home folder, a port for a local cloud, and stand-ins for
    programs."""

    def __init__(self, folder: Path, files: Path, port: int = 0, home: Path | None = None) -> None:
        self.folder = folder
        self.port = port
        self.work = folder / "work"
        # Scratch folders can share a home folder, and with it the installed programs.
        self.home = home or folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        (folder / "tmp").mkdir(parents=True)
        shutil.copytree(ROOT, self.work, symlinks=True, ignore=shutil.ignore_patterns(*LINKED, *LEFT_OUT, "corpus"))
        for name in LINKED:
            if (ROOT / name).exists():
                (self.work / name).symlink_to(ROOT / name)
        shutil.copytree(files, self.work, dirs_exist_ok=True)

    def environment(self) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        home = Path.home()
        env["CARGO_HOME"] = os.environ.get("CARGO_HOME", str(home / ".cargo"))
        env["RUSTUP_HOME"] = os.environ.get("RUSTUP_HOME", str(home / ".rustup"))
        env |= {"DOCS_PATH": env["PATH"], "DOCS_ROOT": str(ROOT), "DOCS_SCRATCH": str(self.folder), "DOCS_STANDINS": str(STANDINS)}
        env |= {"DOCS_HOME": str(home), "CLOUD_PORT": str(self.port), "PYTHON": sys.executable}
        # The time in seconds before failed events are tried again. The default is a minute.
        env["LAMBDA_ASYNC_RETRY_BASE_SECONDS"] = "0.2"
        env["PATH"] = ":".join([str(STANDINS), f"{self.home}/.cargo/bin", str(Path(sys.executable).parent), env["PATH"], PATH_MORE])
        env |= {"HOME": str(self.home), "TMPDIR": str(self.folder / "tmp"), "LC_ALL": "C.UTF-8"}
        # Remove this variable, because with it the aws client would compile its Python files in every call.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        return env


def run(scratch: Scratch, steps: list[Step], where: str, update: bool) -> list[str]:
    """Runs the steps in a new shell. Returns the problems. With `update`, writes changed output into the documents."""
    with tempfile.TemporaryDirectory(dir=scratch.folder) as name:
        folder = Path(name)
        commands = list(_write(folder, steps))
        script = folder / "session.sh"
        script.write_text("".join(_run_one(folder, number, command) for number, (_, command) in enumerate(commands)))
        cwd = scratch.work / where
        process = subprocess.Popen(
            ["bash", "--norc", str(script)], cwd=cwd, env=scratch.environment(), stdin=subprocess.DEVNULL, start_new_session=True
        )
        late = ""
        try:
            process.wait(timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            late = f" within {SECONDS_MAX} s"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # The process group of this shell.
                process.wait()
        problems = []
        changed = []
        for number, (document, command) in enumerate(commands):
            status = folder / f"{number}.status"
            if not status.exists():
                problems.append(f"{document}:{command.line}: did not end{late}: {command.text}\n{_printed(folder, number)}")
                break
            if update and command.output is not None and not looks_alike(command.output, _printed(folder, number)):
                changed.append((document, command, _printed(folder, number)))
                continue
            problem = _judge(command, int(status.read_text()), _printed(folder, number))
            if problem:
                problems.append(f"{document}:{command.line}: {problem}")
            if int(status.read_text()) != command.status:
                left = len(commands) - number - 1
                problems += [f"{document}: the {left} commands after it were not run"] if left else []
                break
        for document, command, printed in reversed(changed):
            show(document, command, printed)
        return problems


def _write(folder: Path, steps: list[Step]) -> Iterator[tuple[str, Command]]:
    """Writes a numbered script for each command. Yields the document and the command."""
    number = 0
    for step in steps:
        for path, content in step.block.files:
            (folder / f"{number}.file").write_text(content, encoding="utf-8")
            (folder / f"{number}.sh").write_text(f"mkdir -p {Path(path).parent} && cp {folder}/{number}.file {path}\n")
            number += 1
            yield step.block.document, Command(f"(the file {path})", step.block.commands[0].line, 0)
        own = [(step.before, "before"), *((one, "") for one in step.block.commands), (step.after, "after")]
        for one, ours in own:
            if ours and not one:
                continue
            command = Command(one, step.block.commands[0].line, 0) if ours else one
            text = command.text
            if not ours:
                for word, meant in step.words:
                    text = re.sub(rf"(?<!\w){re.escape(word)}(?!(?<=\w)\w)", lambda _, meant=meant: meant, text)
            (folder / f"{number}.sh").write_text(text + "\n")
            number += 1
            document = f"{step.block.document} ({ours} it, by tests/system/documents/places.py)" if ours else step.block.document
            yield document, command


def _run_one(folder: Path, number: int, command: Command) -> str:
    at = f"{folder}/{number}"
    # The output is not piped, because a pipe would run the command in a subshell. After a failure the shell exits,
    # because later commands would fail as a consequence.
    return f"set -o pipefail\n. {at}.sh > {at}.out 2>&1\necho $? > {at}.status\ntest $(cat {at}.status) = {command.status} || exit\n"


def _printed(folder: Path, number: int) -> str:
    try:
        return (folder / f"{number}.out").read_text(errors="replace")
    except OSError:
        return ""


def _judge(command: Command, status: int, printed: str) -> str:
    if status != command.status:
        tail = "\n".join(printed.rstrip("\n").split("\n")[-15:])
        return f"ended with status {status}, not {command.status}: {command.text}\n{tail}"
    if command.output is not None and not looks_alike(command.output, printed):
        return f"prints something else than the document shows: {command.text}\n--- shown\n{command.output}\n--- printed\n{printed}"
    return ""
