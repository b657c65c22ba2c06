"""A release that is built once with the quick profile, and the functions that its tests share."""

import json
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.dont_write_bytecode = True
for folder in ("local", "supply", "release"):
    sys.path.insert(0, str(ROOT / "infra" / folder))

import dist
import tools

# PyYAML is not in the standard library, so another Python runs this. Each YAML tag becomes a mapping with the tag as
# its only key.
LOAD = """
import json, sys, yaml
class Loader(yaml.SafeLoader): pass
def tagged(loader, tag, node):
    build = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: loader.construct_sequence, yaml.MappingNode: loader.construct_mapping}
    value = build[type(node)](node) if isinstance(node, yaml.ScalarNode) else build[type(node)](node, deep=True)
    return {"!" + tag: value}
Loader.add_multi_constructor("!", tagged)
json.dump(yaml.load(sys.stdin, Loader), sys.stdout, default=str)
"""


def version() -> str:
    return tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["package"]["version"]


def load(template: str) -> dict[str, Any]:
    """Parses a template, including its tags."""
    command = [tools.program("cloud", "python"), "-c", LOAD]
    return json.loads(subprocess.run(command, input=template, stdout=subprocess.PIPE, text=True, check=True).stdout)


@cache
def release() -> Path:
    """Builds a release for this machine, as `make dist` does. Returns its folder."""
    folder = ROOT / "target" / "dist-quick"
    status = dist.main(["--quick", str(folder)])
    if status != 0:
        raise AssertionError(f"dist.py ended with status {status}")
    return folder
