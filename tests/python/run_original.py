"""Runs a Python program with Jinja2 available: run_original.py FOLDER PROGRAM ARGUMENT...

Jinja2 is installed into .tools/jinja. The version is pinned in infra/local/requirements-jinja.txt.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "infra" / "local"))

import tools  # noqa: E402


def main(folder: str, *command: str) -> int:
    """Installs Jinja2 if it is missing, and runs the program in the folder."""
    tools.install(("jinja",))
    return subprocess.run([tools.program("jinja", "python"), *command], cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
