"""A deployment with only the folder `aws` of a release: without the SAM CLI, Rust and a checkout."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from support import release

import ministack
import tools

# Programs that the deployment must not need. Their stand-ins only record that they were called.
FORBIDDEN = ("cargo", "cargo-lambda", "make", "rustc", "rustup", "sam", "zig")
STANDIN = '#!/bin/sh\necho "$0" >> "{calls}"\nexit 1\n'


class Deployment(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="htaccess-dist-")))
        self.calls = self.folder / "calls"
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        for name in FORBIDDEN:
            program = self.programs / name
            program.write_text(STANDIN.format(calls=self.calls))
            program.chmod(0o755)

    def cloud(self) -> ministack.Server:
        """Starts an empty local cloud, which cannot find any other programs."""
        with socket.socket() as probe:
            probe.bind((ministack.HOST, 0))
            port = probe.getsockname()[1]
        with mock.patch.dict(os.environ, {"PATH": str(self.programs)}):
            server = ministack.start(f"dist-{port}", port)
        self.addCleanup(ministack.stop, server.name)
        return server

    def test_the_folder_is_enough(self) -> None:
        server = self.cloud()
        shutil.copytree(release() / "aws", self.folder / "aws")
        env = {name: value for name, value in server.env().items() if name.startswith("AWS_")}
        env |= {"PATH": str(self.programs), "HOME": str(self.folder)}
        script = Path(__file__).with_name("deploy.py")
        # With -I, Python ignores the modules in this folder and the user's own packages.
        command = [tools.program("cloud", "python"), "-I", "-B", script, self.folder / "aws", server.endpoint]
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"{done.stderr}\n{server.log.read_text()[-4000:]}")
        answer = json.loads(done.stdout)
        self.assertEqual(answer["stacks"].keys(), {"defaults", "named"})
        for stack, found in answer["stacks"].items():
            self.assertTrue(found["site"].endswith("\nRequire ip 192.0.2.1\n"), found["site"])
            # Outputs of the nested stacks that every deployment has.
            self.assertTrue(found["outputs"]["StateMachine"].endswith(f":stateMachine:{stack}-reconcile"))
            self.assertIn("#dashboards", found["outputs"]["Dashboard"])
        self.assertEqual(answer["web server"].keys(), {"Queue", "DeadLetterQueue", "Policy"})
        self.assertFalse(self.calls.exists(), self.calls.read_text() if self.calls.exists() else "")

    def test_a_forbidden_program_would_be_found(self) -> None:
        subprocess.run(["sam", "deploy"], env={"PATH": str(self.programs)}, check=False)
        self.assertEqual(self.calls.read_text(), f"{self.programs}/sam\n")


if __name__ == "__main__":
    unittest.main()
