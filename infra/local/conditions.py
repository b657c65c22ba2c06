#!/usr/bin/env python3
"""Writes each template twice for Checkov: with all conditions true, and with all conditions false.

    .tools/sam/bin/python infra/local/conditions.py FOLDER TEMPLATE...

Checkov skips a policy that contains `Fn::If`, and a resource whose condition is false with the default parameters. The
copies contain no `Fn::If`, and every resource is in both. Together they show Checkov each value that the template has.
Runs in the environment of the SAM CLI, because it uses the YAML parser of the SAM CLI.
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
    """Returns the node with each `Fn::If` replaced by its first value, or by its second if the condition is false."""
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
