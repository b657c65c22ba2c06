"""Installs the Debian packages that the tests and the tools need, if apt-get is available and this user may use it.

The tests need the web servers as programs, not as services. A policy-rc.d script prevents their start during the
installation, because another program may use port 80. Services that the installation enables for the next boot are
disabled again.
"""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, Sequence

from process import Problem, run, say

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# Written by htaccess-generator while it installs packages: start no service.\nexit 101\n"
SERVICES = ("apache2", "nginx", "haproxy", "caddy")
LOG = Path(__file__).resolve().parents[2] / ".tools" / "log" / "apt-get.log"


def install(names: Sequence[str]) -> None:
    """Installs the missing packages without starting their services."""
    missing = [name for name in names if not _is_installed(name)]
    if not missing:
        return
    by_hand = f"as root: apt-get install --no-install-recommends {' '.join(missing)}"
    if not shutil.which("apt-get"):
        raise Problem(
            f"there is no apt-get here to install {', '.join(missing)}",
            "install the equivalent packages with the package manager of this system. `make demo` and `make test-stack` need "
            "only Python's venv. `make test-servers` needs the Apache layout of Debian: run it in a Debian container",
        )
    as_root = _as_root(by_hand)
    services = [name for name in SERVICES if not _has_service(name)]
    apt = [*as_root, "apt-get", "--yes", "--quiet"]
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with _no_service_starts(as_root):
        try:
            _install(apt, missing, env, by_hand)
        except Problem:
            # The package lists may be missing or old. They are updated only now, because an update takes time.
            run("apt-get update", [*apt, "update"], LOG, env, Path("/"), by_hand)
            _install(apt, missing, env, by_hand)
    _disable([name for name in services if _has_service(name)], as_root)


def _install(apt: list[str], names: list[str], env: dict[str, str], by_hand: str) -> None:
    command = [*apt, "install", "--no-install-recommends", *names]
    run(f"apt-get install {' '.join(names)}", command, LOG, env, Path("/"), by_hand)


def _is_installed(name: str) -> bool:
    if not shutil.which("dpkg-query"):
        return shutil.which(name) is not None
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout == "installed"


def _as_root(by_hand: str) -> list[str]:
    """Returns the words before a command that make it run as root."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        raise Problem("packages are missing, and their installation needs root or sudo", by_hand)
    # sudo drops the environment, so `env` sets the variable again. Without the variable, apt would ask questions.
    return ["sudo", "env", "DEBIAN_FRONTEND=noninteractive"]


@contextlib.contextmanager
def _no_service_starts(as_root: list[str]) -> Iterator[None]:
    """Installs a policy that forbids the start of services, unless this machine already has a policy."""
    if POLICY.exists():
        yield
        return
    write = ["sh", "-c", f"cat > {POLICY} && chmod 755 {POLICY}"]
    subprocess.run([*as_root, *write], input=POLICY_TEXT, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run([*as_root, "rm", "-f", str(POLICY)], check=True)


def _has_service(name: str) -> bool:
    return any(Path(folder, f"{name}.service").exists() for folder in ("/lib/systemd/system", "/etc/systemd/system"))


def _disable(services: list[str], as_root: list[str]) -> None:
    """Disables the services that the installation enabled for the next boot."""
    if services and Path("/run/systemd/system").exists():
        say(f"disabling the services of the installed packages: {', '.join(services)}")
        subprocess.run([*as_root, "systemctl", "disable", "--quiet", *services], check=False)
