"""Hostile folders, as the owner of `clients/evil` could create them.

Each function receives the test, whose attribute `evil` is the path of the site's folder. The expected result of a
case is one of three: `served` means that the site is served in spite of the case, `replaced` that the program also
reports what it replaced, and `failed` that the site cannot be served. `says` is a part of the expected message.
"""

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import dataclass
from typing import Callable, Tuple

from support import IS_ROOT, TENANT, WebServer

VICTIM_FILE = "../victim/.htaccess"
SUB = "clients/evil/sub"


@dataclass(frozen=True)
class Case:
    name: str
    arrange: Callable[[WebServer], None]
    expect: str
    says: str = ""
    # The path of the site whose output is published.
    site: str = "clients/evil"


def link(name: str, target: str) -> Callable[[WebServer], None]:
    return lambda test: (test.evil / name).symlink_to(target)


def fifo(name: str) -> Callable[[WebServer], None]:
    return lambda test: os.mkfifo(test.evil / name)


def folder(name: str, inside: str = "") -> Callable[[WebServer], None]:
    def arrange(test: WebServer) -> None:
        (test.evil / name).mkdir()
        if inside:
            (test.evil / name / inside).write_text("Require all granted\n")

    return arrange


def file(name: str, content: str = "Require all granted\n", mode: int = 0o644) -> Callable[[WebServer], None]:
    def arrange(test: WebServer) -> None:
        (test.evil / name).write_text(content)
        (test.evil / name).chmod(mode)

    return arrange


def mode(bits: int) -> Callable[[WebServer], None]:
    return lambda test: test.evil.chmod(bits)


def bound_socket(name: str) -> Callable[[WebServer], None]:
    def arrange(test: WebServer) -> None:
        listener = socket.socket(socket.AF_UNIX)
        test.addCleanup(listener.close)
        here = os.getcwd()
        os.chdir(test.evil)  # The path of a socket has at most 107 bytes.
        listener.bind(name)
        os.chdir(here)

    return arrange


def site_is_link(target: str) -> Callable[[WebServer], None]:
    def arrange(test: WebServer) -> None:
        test.evil.rmdir()
        test.evil.symlink_to(target)

    return arrange


def site_is_link_to_the_machine(test: WebServer) -> None:
    test.evil.rmdir()
    test.evil.symlink_to(test.machine)


def first_segment_is_link(test: WebServer) -> None:
    (test.web / "others").symlink_to("clients")


def link_to_the_secret(name: str) -> Callable[[WebServer], None]:
    return lambda test: (test.evil / name).symlink_to(test.secret)


def hard_link_to_the_secret(test: WebServer) -> None:
    (test.evil / ".htaccess").hardlink_to(test.secret) if sys.version_info >= (3, 10) else os.link(test.secret, test.evil / ".htaccess")


def loop(test: WebServer) -> None:
    (test.evil / "sub").symlink_to("other")
    (test.evil / "other").symlink_to("sub")


def huge(test: WebServer) -> None:
    with open(test.evil / ".htaccess", "wb") as made:
        made.truncate(1 << 40)


def many_entries(test: WebServer) -> None:
    for number in range(10_000):
        os.close(os.open(test.evil / f".htaccess.{number}", os.O_CREAT, 0o600))


def names_with_newlines(test: WebServer) -> None:
    for name in ("\n", "a\n..", ".htaccess\n", "\x1b[2J", "-rf", "*"):
        (test.evil / name / ".htaccess").mkdir(parents=True)


def deep(test: WebServer) -> None:
    (test.evil / "/".join("d" * 100)).mkdir(parents=True)


def lease(test: WebServer) -> None:
    """Another process holds a lease on the file, so that opening the file takes up to 45 seconds."""
    # The file has 1 MiB, because `snapshot` does not read files of this size.
    file(".htaccess", "x" * (1 << 20))(test)
    script = "import fcntl, sys, time; f = open(sys.argv[1], 'r+'); fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK); print(flush=True); time.sleep(600)"
    ignores = f"import signal; signal.signal({int(signal.SIGIO)}, signal.SIG_IGN); {script}"
    holder = subprocess.Popen([sys.executable, "-c", ignores, str(test.evil / ".htaccess")], stdout=subprocess.PIPE)
    test.addCleanup(holder.stdout.close)
    test.addCleanup(holder.wait)
    test.addCleanup(holder.kill)
    holder.stdout.readline()


def locked(test: WebServer) -> None:
    """The tenant holds locks on everything that it can open."""
    file(".htaccess")(test)
    for path in (test.evil / ".htaccess", test.evil, test.web, test.web / "clients"):
        descriptor = os.open(path, os.O_RDONLY)
        test.addCleanup(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)


CASES: Tuple[Case, ...] = (
    Case("a link at the old temporary name", link(".htaccess.new", VICTIM_FILE), "served"),
    Case("a link at the old temporary name to a secret", link_to_the_secret(".htaccess.new"), "served"),
    Case("a dangling link at the old temporary name", link(".htaccess.new", "../../../made"), "served"),
    Case("a FIFO at the old temporary name", fifo(".htaccess.new"), "served"),
    Case("a folder at the old temporary name", folder(".htaccess.new", "x"), "served"),
    Case("a link to the victim's file", link(".htaccess", VICTIM_FILE), "replaced", "a symbolic link was in the place"),
    Case("a link to a secret", link_to_the_secret(".htaccess"), "replaced", "a symbolic link"),
    Case("a link to a device", link(".htaccess", "/dev/zero"), "replaced", "a symbolic link"),
    Case("a dangling link", link(".htaccess", "../../../made"), "replaced", "a symbolic link"),
    Case("a link to itself", link(".htaccess", ".htaccess"), "replaced", "a symbolic link"),
    Case("a hard link to a secret", hard_link_to_the_secret, "served"),
    Case("a link to a neighbour", link("sub", "../victim"), "failed", "clients/evil/sub is a symbolic link", SUB),
    Case("a link to the site itself", link("sub", "."), "failed", "clients/evil/sub is a symbolic link", SUB),
    Case("a link to all sites", link("sub", "../.."), "failed", "a symbolic link", f"{SUB}/clients/victim"),
    Case("a dangling link to a folder", link("sub", "../../../made"), "failed", "a symbolic link", SUB),
    Case("a loop of links", loop, "failed", "a symbolic link", SUB),
    Case("a site that is a link to a neighbour", site_is_link("victim"), "failed", "clients/evil is a symbolic link"),
    Case("a site that is a link out of the web root", site_is_link_to_the_machine, "failed", "clients/evil is a symbolic link"),
    Case("a first segment that is a link", first_segment_is_link, "failed", "others is a symbolic link", "others/victim"),
    Case("a FIFO in place of a folder", fifo("sub"), "failed", "clients/evil/sub is a FIFO", SUB),
    Case("a socket in place of a folder", bound_socket("sub"), "failed", "clients/evil/sub is a socket", SUB),
    Case("a file in place of a folder", file("sub"), "failed", "clients/evil/sub is a file", SUB),
    Case("a FIFO", fifo(".htaccess"), "replaced", "a FIFO was in the place"),
    Case("a socket", bound_socket(".htaccess"), "replaced", "a socket was in the place"),
    Case("an empty folder", folder(".htaccess"), "failed", "a folder is in the place"),
    Case("a folder with a file", folder(".htaccess", ".htaccess"), "failed", "a folder is in the place"),
    Case("a huge file", huge, "served"),
    Case("another file of the same size", file(".htaccess", "x" * len("# clients/evil\nRequire ip 192.0.2.1\n")), "served"),
    Case("a file that nobody can read", file(".htaccess", mode=0), "served"),
    Case("10,000 entries", many_entries, "served"),
    Case("names with newlines", names_with_newlines, "served"),
    Case("100 folders", deep, "served", "", "clients/evil/" + "/".join("d" * 100)),
    Case("a lease", lease, "served"),
    Case("locks", locked, "served"),
    Case("a folder of mode 0", mode(0), "served" if IS_ROOT else "failed", "" if IS_ROOT else "Permission denied"),
    Case("a folder that nobody can write", mode(0o555), "served" if IS_ROOT else "failed", "" if IS_ROOT else "Permission denied"),
)


# Functions for cases that only root can set up.


def device(test: WebServer) -> None:
    os.mknod(test.evil / ".htaccess", stat.S_IFCHR | 0o666, os.makedev(1, 5))


def sticky(test: WebServer) -> None:
    file(".htaccess", "x")(test)
    os.chown(test.evil, TENANT, TENANT)
    os.chown(test.evil / ".htaccess", TENANT, TENANT)
    test.evil.chmod(0o1700)


def group_of_the_tenant(test: WebServer) -> None:
    os.chown(test.evil, TENANT, TENANT)
    test.evil.chmod(0o2770)


def owned_by_the_tenant(test: WebServer) -> None:
    file(".htaccess", mode=0o600)(test)
    os.chown(test.evil, TENANT, TENANT)
    os.chown(test.evil / ".htaccess", TENANT, TENANT)


def attribute(letter: str, name: str = ".") -> Callable[[WebServer], None]:
    def arrange(test: WebServer) -> None:
        path = test.evil / name
        if name != ".":
            path.write_text("x")
        subprocess.run(["chattr", f"+{letter}", path], check=True)
        test.addCleanup(subprocess.run, ["chattr", f"-{letter}", path], check=True)

    return arrange


def mounted(*options: str) -> Callable[[WebServer], None]:
    def arrange(test: WebServer) -> None:
        subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", test.evil], check=True)
        test.addCleanup(subprocess.run, ["umount", test.evil], check=True)

    return arrange


def mounted_file(test: WebServer) -> None:
    file(".htaccess")(test)
    subprocess.run(["mount", "--bind", test.secret, test.evil / ".htaccess"], check=True)
    test.addCleanup(subprocess.run, ["umount", test.evil / ".htaccess"], check=True)


def can(*command: str) -> bool:
    """Returns whether this machine allows a command on a temporary folder, which becomes its last argument."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        try:
            done = subprocess.run([*command, name], capture_output=True, check=False)
        except FileNotFoundError:
            return False
        if done.returncode == 0:
            undo = ["umount", name] if command[0] == "mount" else [command[0], command[1].replace("+", "-"), name]
            subprocess.run(undo, check=True)
        return done.returncode == 0


if IS_ROOT:
    CASES += (
        Case("a sticky folder of the tenant", sticky, "served"),
        Case("a folder that gives its group to files", group_of_the_tenant, "served"),
        Case("a file of the tenant", owned_by_the_tenant, "served"),
    )
    # Containers may forbid the following cases.
    try:
        os.mknod("/tmp/htaccess-sync-device", stat.S_IFCHR, os.makedev(1, 5))
        os.unlink("/tmp/htaccess-sync-device")
        CASES += (Case("a device", device, "replaced", "a device was in the place"),)
    except PermissionError:
        print("this machine allows no device nodes: the hostile device was not tested", file=sys.stderr)
    if can("chattr", "+i"):
        CASES += (
            Case("an immutable folder", attribute("i"), "failed", "not permitted"),
            Case("an immutable file", attribute("i", ".htaccess"), "failed", "not permitted"),
        )
    else:
        print("chattr does not work here: immutable folders were not tested", file=sys.stderr)
    if can("mount", "-t", "tmpfs", "tmpfs"):
        CASES += (
            Case("a read-only file system", mounted("-o", "ro"), "failed", "Read-only file system"),
            Case("a full file system", mounted("-o", "size=4k,nr_inodes=1"), "failed", "No space left"),
            Case("a file that is a mount point", mounted_file, "failed", "busy"),
        )
    else:
        print("mount does not work here: other file systems were not tested", file=sys.stderr)
