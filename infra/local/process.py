"""Runs programs, and prints progress and problems.

Progress is printed to standard error with the seconds since the start, so that standard output contains only data. The
output of a program is written to a log file. While the program runs, the last line of the log is printed from time to
time. If the program fails, the end of the log is printed. A `Problem` is an error that the user can fix, with a hint.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Mapping, Sequence

STARTED = time.monotonic()
HEARTBEAT_SECONDS = 20
TAIL_LINES = 30
# Patterns for messages of failed programs whose cause is outside this project, each with a hint.
CAUSES = (
    ("No space left on device", "free disk space: the tools and the builds need about 4 GB in .tools/ and target/"),
    (
        "Temporary failure in name resolution|Could not resolve host|Network is unreachable|Failed to establish a new connection"
        "|failed to download|Could not find a version that satisfies",
        "the download needs the network: to use a proxy, set HTTPS_PROXY; to use a mirror of PyPI, set PIP_INDEX_URL",
    ),
    ("linker `cc` not found", "install a C compiler, which Rust needs to link: apt-get install gcc libc6-dev"),
    (
        "requires rustc|edition2024|is not supported by the following package",
        "install Rust with https://rustup.rs, which installs the version in rust-toolchain.toml",
    ),
    (
        "Could not get lock|Unable to acquire the dpkg frontend lock",
        "another installation of packages is running: try again when it is finished",
    ),
    ("a terminal is required|a password is required", "sudo asks for a password: run the command as root, or run `sudo -v` first"),
)
PYTHON_VARIABLES = ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")

_lock = threading.Lock()
_running: set[subprocess.Popen] = set()


class Problem(Exception):
    """An error that the user can fix. The hint explains how."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


def say(text: str) -> None:
    """Prints one line of progress, with the seconds since the start."""
    with _lock:
        print(f"[{time.monotonic() - STARTED:6.1f}s] {text}", file=sys.stderr, flush=True)


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """Returns the last lines of a log."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def hint_for(output: str) -> str:
    """Returns a hint if the output of a program shows a known cause, otherwise an empty string."""
    return next((hint for pattern, hint in CAUSES if re.search(pattern, output)), "")


def run(
    what: str,
    command: Sequence[str],
    log: Path,
    env: Mapping[str, str],
    cwd: Path,
    hint: str = "",
) -> None:
    """Runs a program until it ends. Prints `what` and the duration. Raises a `Problem` with the end of the log."""
    say(f"{what} ...")
    began = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        out.write(("$ " + " ".join(command) + "\n").encode())
        out.flush()
        process = _spawn(command, env=env, cwd=cwd, stdout=out, stderr=subprocess.STDOUT)
        code = _wait(process, what, log)
    if code != 0:
        end = tail(log)
        raise Problem(f"{what}: failed with status {code}\n{end}", hint_for(end) or hint or f"the complete log: {log}")
    say(f"{what}: done in {time.monotonic() - began:.1f} s")


def read(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> str:
    """Runs a program and returns its standard output."""
    process = _spawn(command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate()
    _running.discard(process)
    if process.returncode != 0:
        text = err.decode(errors="replace").strip()
        raise Problem(f"{' '.join(command)}: failed with status {process.returncode}\n{text}")
    return out.decode("utf-8", errors="replace")


def exit_status(command: Callable[[], None]) -> int:
    """Runs a command, and returns its exit status. A `Problem` is printed with its hint."""
    try:
        command()
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        if problem.hint:
            print(f"hint: {problem.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        end_programs()
        print("interrupted: all started programs were stopped", file=sys.stderr)
        return 130
    return 0


def in_parallel(tasks: Mapping[str, Callable[[], None]]) -> None:
    """Runs the tasks in parallel, waits for all of them, and raises the first exception."""
    failures: list[BaseException] = []

    def guard(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as err:  # Python prints exceptions in threads, but does not raise them.
            failures.append(err)

    threads = [threading.Thread(target=guard, args=(task,), name=name, daemon=True) for name, task in tasks.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def clean_env() -> dict[str, str]:
    """Returns the environment without variables for AWS accounts and without variables that affect the tools' Python."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SAM_CLI_")) and name not in PYTHON_VARIABLES
    }


def end_programs() -> None:
    """Stops all running programs and their child processes after an interrupt."""
    for process in list(_running):
        try:
            os.killpg(process.pid, signal.SIGTERM)
        except (ProcessLookupError, PermissionError):  # The process has ended or runs with sudo.
            continue


def _spawn(command: Sequence[str], **options) -> subprocess.Popen:
    try:
        # The program has a separate process group, so that it can be stopped together with its child processes.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, **options)
    except FileNotFoundError as err:
        raise Problem(f"no such program: {command[0]}", "install it: make install") from err
    _running.add(process)
    return process


def _wait(process: subprocess.Popen, what: str, log: Path) -> int:
    began = time.monotonic()
    try:
        while True:
            try:
                return process.wait(timeout=HEARTBEAT_SECONDS)
            except subprocess.TimeoutExpired:
                last = tail(log, 1).strip()[:90]
                say(f"{what}: {time.monotonic() - began:.0f} s so far: {last}")
    finally:
        if process.poll() is not None:
            _running.discard(process)
