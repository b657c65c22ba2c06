"""The tools' Python packages have exact versions with hashes, and no other package can be installed."""

import contextlib
import hashlib
import io
import os
import re
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

from support import ROOT

import tools
from process import Problem

FOLDER = ROOT / "infra" / "local"
METADATA = "Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def pins(text: str) -> dict[str, str]:
    """Returns the version of each package, with normalised package names."""
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


class Files(unittest.TestCase):
    def test_each_listed_package_has_hashes(self) -> None:
        sources = sorted(FOLDER.glob("requirements-*.in"))
        self.assertGreater(len(sources), 8)
        self.assertEqual([file.stem for file in sources], [file.stem for file in sorted(FOLDER.glob("requirements-*.txt"))])
        for source in sources:
            with self.subTest(source=source.name):
                text = source.with_suffix(".txt").read_text()
                self.assertEqual(pins(text), pins(source.read_text()), "run: make requirements")
                for package in re.split(r"\n(?=\S)", text)[1:]:
                    self.assertRegex(package, r"^\S+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\s*$")


class Installation(unittest.TestCase):
    """Installs from a local folder of packages, in the way that .tools/ is installed from a package index."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.packages = self.folder / "packages"
        self.packages.mkdir()
        self.requirements = self.folder / "requirements.txt"
        for name, value in (("TOOLS", self.folder / "tools"), ("LOGS", self.folder / "log"), ("_requirements", lambda _: self.requirements)):
            self.enterContext(mock.patch.object(tools, name, value))
        self.enterContext(mock.patch.dict(os.environ, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.packages)}))

    def wheel(self) -> Path:
        file = self.packages / "sample-1.0-py3-none-any.whl"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("sample.py", "")
            archive.writestr("sample-1.0.dist-info/METADATA", METADATA)
            archive.writestr("sample-1.0.dist-info/WHEEL", WHEEL)
            archive.writestr("sample-1.0.dist-info/RECORD", "")
        return file

    def source(self) -> Path:
        file = self.packages / "sample-1.0.tar.gz"
        with tarfile.open(file, "w:gz") as archive:
            for name, text in (("PKG-INFO", METADATA), ("setup.py", "import setuptools; setuptools.setup(name='sample', version='1.0')")):
                member = tarfile.TarInfo(f"sample-1.0/{name}")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
        return file

    def install(self, requirement: str) -> str:
        """Installs a requirement. Returns the problem, or an empty text."""
        self.requirements.write_text(requirement + "\n")
        with contextlib.redirect_stderr(io.StringIO()):
            try:
                tools.install(("sample",))
            except Problem as problem:
                return str(problem)
        return ""

    def test_a_package_with_its_hash_is_installed(self) -> None:
        digest = hashlib.sha256(self.wheel().read_bytes()).hexdigest()
        self.assertEqual(self.install(f"sample==1.0 --hash=sha256:{digest}"), "")
        self.assertEqual(len(list(self.folder.glob("tools/sample/lib/*/site-packages/sample.py"))), 1)

    def test_a_package_with_another_hash_is_refused(self) -> None:
        self.wheel()
        self.assertIn("DO NOT MATCH THE HASHES", self.install(f"sample==1.0 --hash=sha256:{'0' * 64}"))

    def test_a_package_without_a_hash_is_refused(self) -> None:
        self.wheel()
        self.assertIn("require-hashes", self.install("sample==1.0"))

    def test_a_source_package_is_not_built(self) -> None:
        digest = hashlib.sha256(self.source().read_bytes()).hexdigest()
        self.assertIn("No matching distribution found for sample==1.0", self.install(f"sample==1.0 --hash=sha256:{digest}"))


if __name__ == "__main__":
    unittest.main()
