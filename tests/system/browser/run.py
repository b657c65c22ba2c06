#!/usr/bin/env python3
"""Runs the tests of the report pages in a real Chromium. Installs what the tests need and builds `htaccess` first.

    run.py                                      all tests
    run.py test_report.Inert                    one class or one test, in the notation of unittest
    run.py --screenshots FOLDER                 no tests, but a screenshot of each page to look at
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "infra" / "local"))

import packages
import tools
from process import Problem

# The list includes a font, because without fonts no text is rendered that the tests could measure.
PACKAGES = ("chromium", "chromium-driver", "fonts-dejavu-core")


def main(arguments: list[str]) -> int:
    """Installs the tools, builds the programs, and runs the tests with the Python of their virtual environment."""
    try:
        packages.install(PACKAGES)
        tools.install(("browser",))
    except Problem as problem:
        print(f"error: {problem}\nhint: {problem.hint}", file=sys.stderr)
        return 1
    examples = ["--example", "overview_page", "--example", "function_pages"]
    built = subprocess.run(["cargo", "build", "--quiet", "--bin", "htaccess", *examples], cwd=ROOT, check=False)
    if built.returncode:
        return built.returncode
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    debug = ROOT / target / "debug"
    env = os.environ | {
        "HTACCESS": str(debug / "htaccess"),
        "OVERVIEW_PAGE": str(debug / "examples" / "overview_page"),
        "FUNCTION_PAGES": str(debug / "examples" / "function_pages"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if arguments[:1] == ["--screenshots"]:
        command = ["screenshots.py", *arguments[1:]]
    else:
        command = ["-m", "unittest", *(arguments or ["--verbose", "test_report", "test_overview"])]
    return subprocess.run([tools.program("browser", "python"), *command], cwd=HERE, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
