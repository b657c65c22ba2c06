"""THIRD-PARTY-LICENSES.txt contains the licences of everything that is linked, and a check detects an outdated file."""

import contextlib
import io
import json
import re
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from support import ROOT

import licenses
import sbom
from linked import OWN, PROGRAMS, TARGETS


class Licenses(unittest.TestCase):
    def setUp(self) -> None:
        self.text = (ROOT / "THIRD-PARTY-LICENSES.txt").read_text(encoding="utf-8")

    def test_the_file_names_every_component_of_the_sboms(self) -> None:
        for program in PROGRAMS:
            for architecture in TARGETS:
                for component in json.loads(sbom.sbom(program, architecture))["components"]:
                    name = f"{component['name']} {component['version']}"
                    with self.subTest(program=program, component=name):
                        lines = [line for line in self.text.splitlines() if line.startswith((f"{name}: ", f"{name}, "))]
                        self.assertEqual(len(lines), 1)
                        self.assertIn(program, lines[0].rpartition("(")[2])

    def test_each_package_has_a_text(self) -> None:
        packages, _, texts = self.text.partition(licenses.LINE)
        names = re.findall(r"^(\S+ \d\S*): .*\(", packages, re.MULTILINE)
        self.assertGreater(len(names), 150)
        self.assertFalse([name for name in names if f"\n{name} (" not in texts])
        self.assertNotIn(f"\n{OWN} ", packages)
        for words in ("Copyright (c) 2014 Alex Crichton", "Copyright Mozilla Foundation", "UNICODE LICENSE V3", "Brian Smith"):
            self.assertTrue(words in texts, words)

    def check(self, text: str) -> tuple[int, str]:
        """Returns the status and the messages of --check for a file with this text."""
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()) as said:
            file = Path(folder) / "THIRD-PARTY-LICENSES.txt"
            file.write_text(text, encoding="utf-8")
            with mock.patch.object(licenses, "TARGET", file):
                return licenses.main(["--check"]), said.getvalue()

    def test_the_check_finds_an_old_file(self) -> None:
        self.assertEqual(self.check(self.text), (0, ""))
        status, said = self.check(self.text.replace("csv-core", "csv-old"))
        self.assertEqual(status, 1)
        self.assertIn("run `make licenses`", said)


if __name__ == "__main__":
    unittest.main()
