"""Installs and removes files in the web root, whose folders may belong to hostile customers."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from typing import Iterator, List, Tuple

from keys import NAME
from report import Absent, Failed, Fatal, Outcome, reason, shown
from staging import staged

# The maximum size of a file. A larger file is refused, because Apache would read it on every request.
MAX_FILE_BYTES = 64 * 1024 * 1024

# With O_PATH, no permission to read the folder is needed. With O_NOFOLLOW, opening a symbolic link fails.
FOLDER_FLAGS = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK is needed because opening a FIFO or a file with a lease could otherwise wait for another process.
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def kind(mode: int) -> str:
    """Returns the kind of a file as words for a message."""
    kinds = (
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISREG, "a file"),
    )
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")


@contextlib.contextmanager
def opened(web_root: str) -> Iterator[int]:
    """Opens the web root, which may be a symbolic link."""
    try:
        root = os.open(web_root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as err:
        raise Fatal(f"the web root {shown(web_root)} cannot be opened: {reason(err)}") from err
    try:
        yield root
    finally:
        os.close(root)


def open_folder(root: int, segments: List[str]) -> int:
    """Opens a folder below the web root, one segment after another."""
    folder = os.dup(root)
    for depth, segment in enumerate(segments, 1):
        name = segment.encode()
        path = shown("/".join(segments[:depth]))
        try:
            below = os.open(name, FOLDER_FLAGS, dir_fd=folder)
        except FileNotFoundError as err:
            raise Absent from err
        except OSError as err:
            if err.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise Failed(f"the folder {path} cannot be opened: {reason(err)}") from err
            try:
                found = kind(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
            except OSError:
                found = "not a folder"
            raise Failed(f"{path} is {found}: it must be a folder, and links are not followed") from err
        finally:
            os.close(folder)
        folder = below
    return folder


def identity(found: os.stat_result) -> Tuple[int, int]:
    return found.st_dev, found.st_ino


def check_place(root: int, segments: List[str], folder: int) -> None:
    """Checks that the opened folder is still the folder at this path."""
    try:
        again = open_folder(root, segments)
    except Absent as err:
        raise Failed("its folder was moved or deleted during the run") from err
    try:
        if identity(os.fstat(again)) != identity(os.fstat(folder)):
            raise Failed("its folder was replaced during the run")
    finally:
        os.close(again)


def has_content(folder: int, content: bytes) -> bool:
    """Returns whether the current file has this content. Reads at most as many bytes, and never waits."""
    try:
        file = os.open(NAME, READ_FLAGS, dir_fd=folder)
    except OSError:
        return False
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_size != len(content):
            return False
        at = 0
        while at < len(content):
            part = os.read(file, min(1 << 16, len(content) - at))
            if not part or content[at : at + len(part)] != part:
                return False
            at += len(part)
        return True
    except OSError:
        return False
    finally:
        os.close(file)


def present(folder: int) -> str:
    """Returns the kind of the file that is in the place of the output, or an empty text if there is none."""
    try:
        return kind(os.stat(NAME, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return ""


def install(root: int, key: str) -> Outcome:
    """Installs a file from the staging folder at its place in the web root."""
    segments = key.split("/")[:-1]
    with open(staged(key), "rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise Failed(f"it is larger than {MAX_FILE_BYTES >> 20} MiB")
    folder = open_folder(root, segments)
    try:
        found = present(folder)
        if found == "a folder":
            raise Failed("a folder is in the place of the file: delete or rename it")
        # Anything else is replaced, because the published rules must take effect.
        if found == "a file" and has_content(folder, content):
            return Outcome("same")
        _replace(root, segments, folder, content)
        is_special = found not in ("", "a file")
        return Outcome("installed", f"{found} was in the place of the file, and was replaced" if is_special else "")
    finally:
        os.close(folder)


def _replace(root: int, segments: List[str], folder: int, content: bytes) -> None:
    # The name of the temporary file begins with .ht, because Apache does not serve such files by default.
    name = f"{NAME}.{secrets.token_hex(16)}"
    file = os.open(name, CREATE_FLAGS, 0o600, dir_fd=folder)
    try:
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(file, rest) :]
            made = os.fstat(file)
            # In a folder with the set-group-ID bit, a new file gets the group of the folder.
            if (made.st_uid, made.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file, os.geteuid(), os.getegid())
            os.fchmod(file, 0o644)
            # The content must be on the disk before the rename, because after a power failure, an empty file could let
            # everybody in.
            os.fsync(file)
            check_place(root, segments, folder)
            os.rename(name, NAME, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
            raise
        # The owner of the folder can rename files in it at any time, even the new file before this program renames it.
        try:
            is_ours = identity(os.stat(NAME, dir_fd=folder, follow_symlinks=False)) == identity(os.fstat(file))
        except FileNotFoundError:
            is_ours = False
        if not is_ours:
            raise Failed("it was replaced by another process during the run")
    finally:
        os.close(file)


def remove(root: int, key: str) -> Outcome:
    """Deletes a file that this program installed."""
    segments = key.split("/")[:-1]
    folder = open_folder(root, segments)
    try:
        found = present(folder)
        if not found:
            return Outcome("removed")
        if found != "a file":
            raise Failed(f"{found} is in the place of the file to delete: delete it")
        check_place(root, segments, folder)
        os.unlink(NAME, dir_fd=folder)
        return Outcome("removed")
    finally:
        os.close(folder)
