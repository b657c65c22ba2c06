#!/usr/bin/env python3
"""Writes two copies of each template for Checkov: one with all conditions true, and one with all conditions false.

    .tools/sam/bin/python infra/local/conditions.py FOLDER TEMPLATE...

Checkov skips policies that contain `Fn::If`, and resources whose condition is false with the default parameters. The
copies do not contain `Fn::If`, and each copy contains every resource. Together, the copies contain each value of the
template. The program runs in the environment of the SAM CLI, because it uses the SAM CLI's YAML parser.
"""

import json
import sys
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

NO_VALUE = {"Ref": "AWS::NoValue"}


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for file in map(Path, arguments[1:]):
        template = yaml_parse(file.read_text(encoding="utf-8"))
        for resource in template["Resources"].values():
            resource.pop("Condition", None)
        for name, value in (("true", True), ("false", False)):
            text = json.dumps(resolved(template, value), indent=1)
            (folder / f"{file.stem}.{name}.json").write_text(text, encoding="utf-8")


def resolved(node: Any, value: bool) -> Any:
    """Returns the node with each `Fn::If` replaced by its first value if `value` is true, otherwise by its second."""
    if isinstance(node, list):
        return [one for one in (resolved(one, value) for one in node) if one != NO_VALUE]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Fn::If"}:
        _, first, second = node["Fn::If"]
        return resolved(first if value else second, value)
    return {name: one for name, child in node.items() if (one := resolved(child, value)) != NO_VALUE}


if __name__ == "__main__":
    main(sys.argv[1:])
