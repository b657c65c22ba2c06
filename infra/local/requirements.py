"""Writes requirements-NAME.txt, the packages of an environment with their hashes, from requirements-NAME.in.

A requirements-NAME.in lists every package that is installed, with its exact version, because pip resolves nothing. uv
looks up the hashes of all files of that version, for every processor and version of Python.
"""

import os
from pathlib import Path

from process import clean_env, run
from tools import LOGS, ROOT, install, program

FOLDER = Path(__file__).parent
HEADER = "# Made by `make requirements` from {name}. Edit that file instead.\n"


def update() -> None:
    """Writes the file of each environment."""
    install(("uv",))
    env = clean_env()
    # uv does not read pip's setting for a mirror.
    if "PIP_INDEX_URL" in os.environ:
        env["UV_DEFAULT_INDEX"] = os.environ["PIP_INDEX_URL"]
    for source in sorted(FOLDER.glob("requirements-*.in")):
        target = source.with_suffix(".txt")
        command = [program("uv", "uv"), "pip", "compile", "--no-deps", "--generate-hashes", "--no-header", "--no-annotate"]
        command += ["--only-binary", ":all:", "--python-version", "3.12", "--output-file", str(target), str(source)]
        run(f"uv pip compile {source.name}", command, LOGS / f"{source.stem}.log", env, ROOT)
        target.write_text(HEADER.format(name=source.name) + target.read_text())
