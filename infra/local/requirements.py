"""Writes requirements-NAME.txt, which contains the packages of an environment with their hashes.

The source, requirements-NAME.in, lists every package with its exact version, because pip installs without resolving
dependencies. uv adds the hashes of all files of each version, for every processor and every version of Python.
"""

import os
from pathlib import Path

from process import clean_env, run
from tools import LOGS, ROOT, install, program

FOLDER = Path(__file__).parent
HEADER = "# Made by `make requirements` from {name}. Edit that file instead.\n"


def update() -> None:
    """Writes the file for each environment."""
    install(("uv",))
    env = clean_env()
    # uv does not read pip's setting for a mirror, so it is passed to uv.
    if "PIP_INDEX_URL" in os.environ:
        env["UV_DEFAULT_INDEX"] = os.environ["PIP_INDEX_URL"]
    for source in sorted(FOLDER.glob("requirements-*.in")):
        target = source.with_suffix(".txt")
        command = [program("uv", "uv"), "pip", "compile", "--no-deps", "--generate-hashes", "--no-header", "--no-annotate"]
        command += ["--only-binary", ":all:", "--python-version", "3.12", "--output-file", str(target), str(source)]
        run(f"uv pip compile {source.name}", command, LOGS / f"{source.stem}.log", env, ROOT)
        target.write_text(HEADER.format(name=source.name) + target.read_text())
