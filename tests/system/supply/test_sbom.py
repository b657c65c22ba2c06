"""The SBOM of each program lists exactly the packages that cargo links, and is a valid and reproducible document."""

import json
import os
import subprocess
import unittest

from support import ROOT

import linked
import sbom
from linked import OWN, PROGRAMS, TARGETS

# Prints the error if standard input is not a valid document, or else `valid`.
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()) or "valid")
"""


def planned(program: str, architecture: str) -> dict[str, set[str]]:
    """Returns each linked package with the packages that it links, from the unit graph of `cargo build`, a nightly
    feature."""
    command = ["cargo", "build", "--locked", "--unit-graph", "-Z", "unstable-options", "--bin", program]
    command += ["--target", TARGETS[architecture], *PROGRAMS[program]]
    answer = subprocess.run(command, cwd=ROOT, env={**os.environ, "RUSTC_BOOTSTRAP": "1"}, stdout=subprocess.PIPE, check=True).stdout
    graph = json.loads(answer)
    found, todo = {}, list(graph["roots"])
    seen = set()
    while todo:
        index = todo.pop()
        if index in seen:
            continue
        seen.add(index)
        unit = graph["units"][index]
        below = [one["index"] for one in unit["dependencies"]]
        below = [one for one in below if set(graph["units"][one]["target"]["kind"]).isdisjoint(("proc-macro", "custom-build"))]
        todo += below
        found.setdefault(purl(unit), set()).update(purl(graph["units"][one]) for one in below)
    return {package: dependencies - {package} for package, dependencies in found.items()}


def purl(unit: dict) -> str:
    name, _, version = unit["pkg_id"].rpartition("#")[2].rpartition("@")
    return f"pkg:cargo/{name or OWN}@{version}"


class Sbom(unittest.TestCase):
    def test_it_lists_exactly_what_cargo_links(self) -> None:
        for program in PROGRAMS:
            for architecture in TARGETS:
                with self.subTest(program=program, architecture=architecture):
                    document = json.loads(sbom.sbom(program, architecture))
                    rust = f"pkg:generic/rust-std@{linked.rust_version()}"
                    found = {entry["ref"]: set(entry["dependsOn"]) - {rust} for entry in document["dependencies"]}
                    self.assertEqual(found, planned(program, architecture))
                    listed = {component["purl"] for component in document["components"]}
                    self.assertEqual(listed, found.keys() - {document["metadata"]["component"]["purl"]} | {rust})

    def test_each_program_has_its_own_packages(self) -> None:
        names = {program: {package.name for package in linked.linked(program, "x86_64")} for program in PROGRAMS}
        self.assertIn("aws-sdk-s3", names["bootstrap"] - names["htaccess"])
        self.assertIn("clap", names["htaccess"] - names["bootstrap"])
        self.assertIn("csv-core", names["bootstrap"] & names["htaccess"])
        for found in names.values():
            self.assertNotIn("serde_derive", found)
            self.assertNotIn("proptest", found)

    def test_it_is_valid(self) -> None:
        for program in PROGRAMS:
            python = ROOT / ".tools" / "check" / "bin" / "python"
            text = sbom.sbom(program, "x86_64")
            done = subprocess.run([python, "-c", VALIDATE], input=text, capture_output=True, text=True, check=False)
            self.assertEqual(done.stdout, "valid\n", done.stderr)

    def test_it_is_the_same_every_time(self) -> None:
        first = sbom.sbom("htaccess", "x86_64")
        self.assertEqual(first, sbom.sbom("htaccess", "x86_64"))
        for word in (str(ROOT), os.path.expanduser("~"), "timestamp", "serialNumber"):
            self.assertNotIn(word, first)


if __name__ == "__main__":
    unittest.main()
