#!/usr/bin/env python3
"""A template as CloudFormation sees it, with these parameters: the SAM transform done, conditions and parameters filled in.

    .tools/sam/bin/python infra/local/transform.py template.yaml Delivery=queue > transformed.json

Checkers that do not know SAM or `Fn::If` then see what would be deployed. Runs in the environment of the SAM CLI,
whose parser of YAML and whose transform it uses; nothing is asked of any account.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

NO_VALUE = {"Ref": "AWS::NoValue"}
# An account for checkers that want to see whole names.
PSEUDO_PARAMETERS = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "htaccess-generator",
    "AWS::URLSuffix": "amazonaws.com",
}
Template = dict[str, Any]


def main(arguments: list[str]) -> int:
    file, *settings = arguments
    template = yaml_parse(Path(file).read_text(encoding="utf-8"))
    values = {name: str(one.get("Default", "")) for name, one in template.get("Parameters", {}).items()}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in values:
            print(f"error: {file} has no parameter {name}", file=sys.stderr)
            return 2
        values[name] = value
    types = {name: one["Type"] for name, one in template.get("Parameters", {}).items()}
    filled_in = {name: int(value) if types[name] == "Number" and value else value for name, value in values.items()}
    template = decided(transformed(template, values), values, filled_in | PSEUDO_PARAMETERS)
    json.dump(named(template, filled_in | PSEUDO_PARAMETERS), sys.stdout, indent=1)
    return 0


def transformed(template: Template, values: dict[str, str]) -> Template:
    """The SAM transform, where the template asks for it."""
    if "Transform" not in template:
        return template
    # It takes a name for code that was uploaded, and `sam build` has not been here.
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "code", "Key": "code"}
    written = set(template["Resources"])
    # It would look up managed policies by name in an account; none is named.
    template = Translator({}, Parser()).translate(template, dict(values))
    for name, resource in template["Resources"].items():
        if name not in written:  # What the transform makes of a function repeats its metadata.
            resource.pop("Metadata", None)
    return template


def decided(template: Template, values: dict[str, str], filled_in: dict[str, int | str]) -> Template:
    """Without the resources and the values that these parameters leave out, and with their values where they are named."""
    conditions = template.pop("Conditions", {})

    def holds(condition: Any) -> bool:
        ((function, argument),) = condition.items()
        match function:
            case "Condition":
                return holds(conditions[argument])
            case "Fn::Equals":
                left, right = (value_of(one) for one in argument)
                return left == right
            case "Fn::Not":
                return not holds(argument[0])
            case "Fn::And":
                return all(map(holds, argument))
            case "Fn::Or":
                return any(map(holds, argument))
        raise ValueError(f"unknown condition: {condition}")

    def value_of(operand: Any) -> str:
        return values[operand["Ref"]] if isinstance(operand, dict) else str(operand)

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walked for one in node if (walked := walk(one)) != NO_VALUE]
        if not isinstance(node, dict):
            return node
        if set(node) == {"Fn::If"}:
            name, yes, no = node["Fn::If"]
            return walk(yes if holds(conditions[name]) else no)
        if set(node) == {"Ref"} and node["Ref"] in filled_in:
            return filled_in[node["Ref"]]
        return {name: walked for name, one in node.items() if (walked := walk(one)) != NO_VALUE}

    for section in ("Resources", "Outputs"):
        for name, one in list(template.get(section, {}).items()):
            condition = one.pop("Condition", None)
            if condition and not holds(conditions[condition]):
                del template[section][name]
    return walk(template)


def named(template: Template, names: dict[str, int | str]) -> Template:
    """With every `Fn::Sub` spelt out that is made of parameters and of buckets named in the template."""

    def walk(node: Any, names: dict[str, int | str]) -> Any:
        if isinstance(node, list):
            return [walk(one, names) for one in node]
        if not isinstance(node, dict):
            return node
        if set(node) == {"Fn::Sub"} and isinstance(node["Fn::Sub"], str):
            text = re.sub(r"\$\{([\w:]+)\}", lambda found: str(names.get(found[1], found[0])), node["Fn::Sub"])
            return {"Fn::Sub": text} if "${" in text else text
        return {name: walk(one, names) for name, one in node.items()}

    template = walk(template, names)
    buckets = {
        name: resource["Properties"]["BucketName"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::S3::Bucket"
    }
    return walk(template, names | buckets)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
