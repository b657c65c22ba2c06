"""The function in the artifact of `sam build` contains the third-party licences, and no paths of the build machine."""

import contextlib
import io
import os
import subprocess
import unittest
from pathlib import Path

from support import ROOT

import tools


class Artifact(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        # The build for the local cloud differs from the build for AWS only in its optimisation.
        with contextlib.redirect_stderr(io.StringIO()):
            tools.build(tools.for_local_cloud())
        (cls.program,) = tools.for_local_cloud().folder.glob("*/bootstrap")

    def test_it_has_the_licences_of_third_parties(self) -> None:
        printed = subprocess.run([self.program, "--licenses"], capture_output=True, check=True).stdout
        self.assertTrue(printed == (ROOT / "THIRD-PARTY-LICENSES.txt").read_bytes())
        self.assertEqual(self.program.read_bytes().count(printed), 1)
        self.assertEqual([file.name for file in self.program.parent.iterdir()], ["bootstrap"])

    def test_it_has_no_path_of_the_machine(self) -> None:
        content = self.program.read_bytes()
        self.assertTrue(b"/cargo/registry/src/" in content, "the paths of the packages are not in the program")
        for path in (ROOT, Path.home(), os.environ.get("CARGO_HOME", "")):
            self.assertFalse(path and os.fsencode(path) in content, path)


if __name__ == "__main__":
    unittest.main()
