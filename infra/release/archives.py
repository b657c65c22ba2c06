"""Creates archives that always have the same bytes for the same content: sorted names, one time, fixed owners and modes.

Different versions of zlib can compress differently, so two builds have the same bytes only with the same version of zlib.
"""

import gzip
import io
import stat
import tarfile
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Iterable

READABLE = 0o644
EXECUTABLE = 0o755
INTERPRETER = b"#!/usr/bin/env python3\n"


@dataclass(frozen=True, order=True)
class Entry:
    """A file in an archive. The name may contain folders, separated by slashes."""

    name: str
    content: bytes
    mode: int = READABLE


def tar_gz(entries: Iterable[Entry], time: datetime) -> bytes:
    """Returns a tar archive, compressed with gzip. All files belong to root."""
    buffer = io.BytesIO()
    # The gzip header contains no time and no name, because they would differ between builds.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as compressed:
        with tarfile.open(mode="w", fileobj=compressed, format=tarfile.GNU_FORMAT) as archive:
            for entry in sorted(entries):
                member = tarfile.TarInfo(entry.name)
                member.size, member.mode, member.mtime = len(entry.content), entry.mode, int(time.timestamp())
                archive.addfile(member, io.BytesIO(entry.content))
    return buffer.getvalue()


def zip_archive(entries: Iterable[Entry], time: datetime, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Returns a zip archive. Its times are in UTC, because zip has no time zones."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for entry in sorted(entries):
            member = zipfile.ZipInfo(entry.name, time.timetuple()[:6])
            member.create_system = 3  # Unix. With another system, the mode would be ignored.
            member.external_attr = (stat.S_IFREG | entry.mode) << 16
            archive.writestr(member, entry.content, compression, compresslevel=9)
    return buffer.getvalue()


def python_program(folder: Path, time: datetime) -> bytes:
    """Returns the modules of a folder as one file that Python can run. It is not compressed, so zlib has no effect."""
    modules = [Entry(path.name, path.read_bytes()) for path in folder.glob("*.py")]
    return INTERPRETER + zip_archive(modules, time, zipfile.ZIP_STORED)
