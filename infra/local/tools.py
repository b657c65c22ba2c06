"""The tools of this project: pinned Python programs in folders under .tools/, and the function's build.

There is one environment a purpose: `build` (cargo-lambda and the zig linker), `sam` (SAM CLI, cfn-lint), `cloud`
(MiniStack, the aws client) and `check` (Checkov), for the last three pin botocores that clash,
and the first must be there early: the cold build of the function then runs while pip still installs the others.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Mapping

import packages
from process import Problem, clean_env, in_parallel, run, say

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
LOGS = TOOLS / "log"
ENVIRONMENTS = ("build", "sam", "cloud", "check")  # Beside them `bench`, `browser`, `hook` and `jinja`, installed by who needs them.
# The folder with the aws client of the `cloud` environment, and nothing else of it.
CLIENTS = Path(__file__).with_name("bin")

RUSTUP = "https://rustup.rs"

# The local cloud's function is built in less than half the time of the one for AWS, which is Cargo.toml's `release`.
# Cargo keeps the two apart, so that going from one to the other builds nothing again.
QUICK_PROFILE = {
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1",
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
}


def program(environment: str, name: str) -> str:
    """The path of a program of one of the environments."""
    return str(TOOLS / environment / "bin" / name)


def install(environments: tuple[str, ...] = ENVIRONMENTS) -> None:
    """Brings the environments up to date with their pinned requirements; quick if they are."""
    stale = [name for name in environments if not _is_fresh(name)]
    if stale:
        _check_python()
        in_parallel({name: lambda name=name: _install(name) for name in stale})


@dataclass(frozen=True)
class Build:
    """One way of building the function, and the folder in which `sam build` lays it out."""

    architecture: str
    folder: Path
    # Environment variables over Cargo.toml's `release`.
    profile: Mapping[str, str]


def for_aws(architecture: str) -> Build:
    """The function as it is meant: where `sam deploy` looks for it."""
    return Build(architecture, ROOT / ".aws-sam" / "build", {})


def for_local_cloud() -> Build:
    """The function for this machine, built quickly, and where no `sam deploy` to AWS comes upon it."""
    return Build(architecture(), TOOLS / "aws-sam" / "build", QUICK_PROFILE)


def build(wanted: Build) -> None:
    """All tools, and the function laid out as `sam deploy` wants it: it builds while pip installs the rest."""
    if wanted.profile:
        settings = " ".join(f"{name}={value}" for name, value in wanted.profile.items())
        say(f"a quick build, for the local cloud alone: {settings}")
    if not _is_fresh("build"):
        say("for the first time: tools go into .tools/, and the function is compiled, which takes minutes; then seconds")
    install(("build",))
    in_parallel({"build": lambda: _compile(wanted), "install": lambda: install(("sam", "cloud"))})
    command = [
        *(program("sam", "sam"), "build", "--build-dir", str(wanted.folder)),
        *("--parameter-overrides", f"Architecture={wanted.architecture}"),
    ]
    with _locked("build"):
        run("sam build", command, LOGS / "sam-build.log", _build_env() | wanted.profile, ROOT)


def architecture() -> str:
    """This machine's processor, in the template's words: the local cloud runs the function on it."""
    machine = platform.machine()
    if machine in ("x86_64", "amd64"):
        return "x86_64"
    if machine in ("aarch64", "arm64"):
        return "arm64"
    raise Problem(f"the processor `{machine}` is neither x86_64 nor arm64", "Lambda has no other")


def _compile(wanted: Build) -> None:
    env = _build_env() | wanted.profile
    check_rust(env)
    # The very build that `sam build` asks for later and then finds done; but it hides cargo's progress.
    command = ["cargo", "lambda", "build", "--release", "--bin", "bootstrap"]
    if wanted.architecture == "arm64":
        command.append("--arm64")
    with _locked("build"):
        run("cargo lambda build", command, LOGS / "cargo-lambda.log", env, ROOT)


def check_rust(env: Mapping[str, str]) -> None:
    """A problem if Rust is missing, too old, or cannot link: said before a build that takes minutes."""
    path = env.get("PATH", os.defpath)
    if not shutil.which("cargo", path=path):
        raise Problem("there is no cargo in PATH", f"install Rust: {RUSTUP} (and open a new shell, or: . ~/.cargo/env)")
    if not shutil.which("cc", path=path):
        raise Problem("there is no C compiler (cc), by which Rust links", "install one: apt-get install gcc libc6-dev")
    # rustup may fetch the version of rust-toolchain.toml here, and says so.
    answer = subprocess.run(["cargo", "--version"], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False).stdout
    found = re.match(r"cargo (\d+)\.(\d+)", answer)
    wanted = re.search(r'^rust-version = "(\d+)\.(\d+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    if not found:
        raise Problem("cargo does not say its version", "rustup may want the network to fetch it; by hand: rustup toolchain install")
    if wanted and tuple(map(int, found.groups())) < tuple(map(int, wanted.groups())):
        raise Problem(
            f"{answer.strip()} is too old: this project needs Rust {'.'.join(wanted.groups())} or newer",
            f"install Rust by {RUSTUP}, which takes the version that rust-toolchain.toml names; Debian's own is older",
        )


def _build_env() -> dict[str, str]:
    """The environment for cargo and the SAM CLI when they build: our tools first, no AWS account."""
    env = clean_env()
    folders = [str(TOOLS / name / "bin") for name in ("build", "sam")]
    env["PATH"] = os.pathsep.join([*folders, env.get("PATH", os.defpath)])
    env |= {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1", "PYTHONUTF8": "1"}
    return env


def _requirements(name: str) -> Path:
    return Path(__file__).with_name(f"requirements-{name}.txt")


def _folder(name: str) -> Path:
    """An environment by the path that its programs know it by, whichever link leads there: it cannot be moved."""
    return (TOOLS / name).resolve()


def _stamp(name: str) -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    return hashlib.sha256(_requirements(name).read_bytes() + f"{version} {_folder(name).parent}".encode()).hexdigest()


def _is_fresh(name: str) -> bool:
    stamp = TOOLS / name / "stamp"
    return stamp.is_file() and stamp.read_text() == _stamp(name)


def _install(name: str) -> None:
    with _locked(f"install-{name}"):
        if not _is_fresh(name):  # Another command may have installed it while this one waited.
            _install_now(name)


def _install_now(name: str) -> None:
    folder = _folder(name)
    shutil.rmtree(folder, ignore_errors=True)
    env = clean_env()
    log = LOGS / f"install-{name}.log"
    run(f"new Python environment .tools/{name}", [sys.executable, "-m", "venv", str(folder)], log, env, ROOT)
    # Everything there is to install is named, so nothing is resolved; and each module is compiled when it is first
    # used, which few are. What cargo waits for goes first.
    nice = ["nice", "-n", "5"] if name != "build" and shutil.which("nice") else []
    pip = [*nice, str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command = [*pip, "--no-deps", "--no-compile", "--requirement", str(_requirements(name))]
    hint = f"pip needs to reach a package index (PyPI); all of its output: {log}"
    run(f"pip install into .tools/{name}", command, log, env, ROOT, hint)
    (folder / "stamp").write_text(_stamp(name))


def _check_python() -> None:
    """Debian's Python comes without what makes environments."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        packages.install(["python3-venv"])


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    """Two commands at once in one checkout take turns."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another {name} in this folder to end ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
