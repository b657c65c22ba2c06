#!/usr/bin/env python3
"""Packs the Python modules of a folder into one program, which always has the same bytes.

    python_program.py FOLDER FILE
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True

import archives
import version


def main(arguments: list[str]) -> int:
    """Writes the program."""
    if len(arguments) != 2:
        print("usage: python_program.py FOLDER FILE", file=sys.stderr)
        return 2
    folder, file = map(Path, arguments)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(archives.python_program(folder, version.time()))
    file.chmod(archives.EXECUTABLE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
