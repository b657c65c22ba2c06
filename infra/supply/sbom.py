#!/usr/bin/env python3
"""Writes a software bill of materials for each program and architecture, as CycloneDX 1.6 in JSON.

    sbom.py FOLDER

It lists the linked packages. The same commit and compiler always give the same bytes, because the document contains
neither a time nor a serial number.
"""

import json
import sys
from pathlib import Path

import linked
from linked import OWN, PROGRAMS, TARGETS, Package


def sbom(program: str, architecture: str) -> str:
    """Returns the bill of materials of a program for one architecture."""
    graph = linked.linked(program, architecture)
    checksums = linked.checksums()
    own = next(package for package in graph if package.name == OWN)
    rust = _standard_library()
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": _component("application", own) | {"name": program},
            "properties": [{"name": "cdx:rustc:sbom:target:triple", "value": TARGETS[architecture]}],
        },
        "components": [
            *(
                _component("library", package) | {"hashes": [{"alg": "SHA-256", "content": checksums[package.name, package.version]}]}
                for package in sorted(graph)
                if package != own
            ),
            rust,
        ],
        "dependencies": [
            {"ref": package.purl, "dependsOn": sorted({*(one.purl for one in graph[package]), rust["bom-ref"]})} for package in sorted(graph)
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _component(kind: str, package: Package) -> dict:
    return {
        "type": kind,
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "licenses": [{"expression": package.licence}],
        "purl": package.purl,
    }


def _standard_library() -> dict:
    version = linked.rust_version()
    purl = f"pkg:generic/rust-std@{version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": "rust-std",
        "version": version,
        "description": "The Rust standard library, with the packages that it contains",
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "purl": purl,
    }


def main(arguments: list[str]) -> int:
    """Writes PROGRAM-ARCHITECTURE.cdx.json for each program and architecture into the folder."""
    if len(arguments) != 1:
        print("usage: sbom.py FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for program in PROGRAMS:
        for architecture in TARGETS:
            file = folder / f"{program}-{architecture}.cdx.json"
            file.write_text(sbom(program, architecture), encoding="utf-8")
            print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
