"""The messages for a new user when something is missing or mistyped, or when another command of the checkout is running.
Each message states the problem and the solution."""

import contextlib
import io
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "infra" / "local"))
sys.dont_write_bytecode = True

import cloud
import deploy
import invoke
import ministack
import packages
import process
import tools
from process import Problem

WAIT_SECONDS_MAX = 10


class MissingTool(unittest.TestCase):
    """A test with a folder for the state of local clouds, and a folder with the only programs in PATH."""

    def setUp(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.enterContext(mock.patch.object(ministack, "RUN", folder / "run"))
        self.enterContext(mock.patch.dict(os.environ, {"PATH": str(self.programs)}))
        os.environ.pop("CLOUD_PORT", None)

    def program(self, name: str, text: str) -> None:
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def cloud(self, *arguments: str, status: int = 1) -> str:
        """Runs `cloud.py`, and returns everything that it prints."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            self.assertEqual(cloud.main(arguments), status)
        return said.getvalue()

    def assert_problem(self, what: str, hint: str, call, *arguments) -> None:
        with self.assertRaises(Problem) as caught:
            call(*arguments)
        self.assertIn(what, str(caught.exception))
        self.assertIn(hint, caught.exception.hint)


class LocalCloud(MissingTool):
    def test_down_before_up(self) -> None:
        self.assertIn("no local cloud is running here", self.cloud("down", status=0))

    def test_env_before_up(self) -> None:
        said = self.cloud("env")
        self.assertIn("error: no local cloud is running here", said)
        self.assertIn("hint: start one: make up", said)

    def test_env_of_a_cloud_at_another_port(self) -> None:
        with mock.patch.object(ministack, "names", return_value=["4600"]):
            said = self.cloud("env")
        self.assertIn("there is one with CLOUD_PORT=4600", said)
        self.assertIn("CLOUD_PORT=4600 make env", said)

    def test_a_port_that_is_in_use(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            os.environ["CLOUD_PORT"] = str(port)
            said = self.cloud("up")
        self.assertIn(f"port {port} is in use", said)
        self.assertIn("hint: choose another port, for example: CLOUD_PORT=", said)

    def test_an_invalid_port(self) -> None:
        for port in ("http", "0", "65536"):
            os.environ["CLOUD_PORT"] = port
            self.assertIn(f"CLOUD_PORT is `{port}`\nhint: it must be a port", self.cloud("up"))

    def test_an_unsupported_system(self) -> None:
        with mock.patch("platform.system", return_value="Darwin"):
            self.assertIn("this system is Darwin\nhint: use Linux", self.cloud("demo"))


class Rust(MissingTool):
    def check(self) -> None:
        tools.check_rust(os.environ)

    def test_no_cargo(self) -> None:
        self.assert_problem("no cargo in PATH", "https://rustup.rs", self.check)

    def test_no_c_compiler(self) -> None:
        self.program("cargo", "echo cargo 1.95.0")
        self.assert_problem("no C compiler", "apt-get install gcc", self.check)

    def test_a_cargo_that_is_too_old(self) -> None:
        self.program("cc", "")
        self.program("cargo", "echo 'cargo 1.63.0 (fd9c4297c 2022-07-01)'")
        self.assert_problem("cargo 1.63.0 (fd9c4297c 2022-07-01) is too old: this project needs Rust 1.", "rustup", self.check)

    def test_a_rustup_without_a_toolchain(self) -> None:
        self.program("cc", "")
        self.program("cargo", "exit 1")
        self.assert_problem("cargo does not print its version", "rustup toolchain install", self.check)

    def test_a_cargo_of_a_future_version(self) -> None:
        self.program("cc", "")
        self.program("cargo", "echo cargo 2.0.0")
        self.check()


class Environments(unittest.TestCase):
    def test_a_link_to_the_tools_of_another_checkout_rebuilds_nothing(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name).resolve()
            (folder / "tools" / "sam").mkdir(parents=True)
            (folder / "link").symlink_to(folder / "tools")
            with mock.patch.object(tools, "TOOLS", folder / "tools"):
                (folder / "tools" / "sam" / "stamp").write_text(tools._stamp("sam"))
            with mock.patch.object(tools, "TOOLS", folder / "link"):
                self.assertTrue(tools._is_fresh("sam"))
            (folder / "tools").rename(folder / "moved")
            with mock.patch.object(tools, "TOOLS", folder / "moved"):
                self.assertFalse(tools._is_fresh("sam"))


class TwoCommands(unittest.TestCase):
    def test_a_deployment_waits_while_sam_build_replaces_the_folder_that_it_reads(self) -> None:
        """`sam build` empties the folder, and `sam deploy` of another local cloud in the same checkout reads it."""
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch.object(tools, "TOOLS", folder))
        for name in ("install", "in_parallel"):
            self.enterContext(mock.patch.object(tools, name))
        for name in ("_make_numbers", "outputs"):
            self.enterContext(mock.patch.object(deploy, name))
        steps: list[str] = []
        is_building = threading.Event()
        is_waiting = threading.Event()

        def build(what: str, *_: object) -> None:
            is_building.set()
            is_waiting.wait(timeout=WAIT_SECONDS_MAX)
            steps.append(what)

        def say(text: str) -> None:
            if text.startswith("waiting for the end of another"):
                is_waiting.set()

        self.enterContext(mock.patch.object(tools, "run", build))
        self.enterContext(mock.patch.object(tools, "say", say))
        self.enterContext(mock.patch.object(deploy, "run", lambda what, *_: steps.append(what)))
        other = threading.Thread(target=tools.build, args=(tools.for_local_cloud(),))
        other.start()
        self.addCleanup(other.join)
        self.assertTrue(is_building.wait(timeout=WAIT_SECONDS_MAX))
        deploy.deploy(ministack.Server("a", 1, "1", 4566))
        self.assertTrue(is_waiting.is_set(), "the deployment did not say that it waits")
        self.assertEqual(steps, ["sam build", "sam deploy"])


class Packages(MissingTool):
    def install(self) -> None:
        packages.install(["python3-venv"])

    def test_no_apt_get(self) -> None:
        self.assert_problem("no apt-get here to install python3-venv", "package manager", self.install)

    def test_neither_root_nor_sudo(self) -> None:
        self.program("apt-get", "")
        with mock.patch("os.geteuid", return_value=1000):
            self.assert_problem("their installation needs root or sudo", "apt-get install --no-install-recommends python3-venv", self.install)

    def test_a_python_without_venv(self) -> None:
        with mock.patch.dict(sys.modules, {"ensurepip": None}):
            self.assert_problem("python3-venv", "package manager", tools._check_python)


class Docker(MissingTool):
    def test_no_docker(self) -> None:
        said = self.cloud("invoke", status=0)
        self.assertIn("was NOT tested: there is no docker", said)
        self.assertIn("apt-get install docker.io", said)

    def test_no_docker_daemon(self) -> None:
        self.program("docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
        self.assertIn("systemctl start docker", invoke.missing())

    def test_a_docker_daemon_without_permission(self) -> None:
        self.program("docker", "echo permission denied while trying to connect >&2; exit 1")
        self.assertIn("usermod -aG docker", invoke.missing())

    def test_no_docker_image(self) -> None:
        self.program("docker", 'test "$1" = info')
        self.assertIn("docker pull public.ecr.aws/lambda/provided:al2023", invoke.missing())


class Causes(MissingTool):
    def test_reasons_in_the_output_of_programs(self) -> None:
        for output, hint in (
            ("cp: error writing 'x': No space left on device", "free disk space"),
            ("Could not find a version that satisfies the requirement zig", "PIP_INDEX_URL"),
            ("error: failed to download `serde v1.0.0`", "HTTPS_PROXY"),
            ("error: linker `cc` not found", "apt-get install gcc"),
            ("error: rustc 1.63.0 is not supported by the following packages", "https://rustup.rs"),
            ("E: Could not get lock /var/lib/dpkg/lock-frontend", "try again"),
            ("sudo: a terminal is required to read the password", "as root"),
            ("a message of another kind", ""),
        ):
            with self.subTest(output=output):
                self.assertIn(hint, process.hint_for(output))
        self.assertEqual(process.hint_for("a message of another kind"), "")

    def test_a_program_that_fails_shows_the_end_of_its_output_and_the_way_out(self) -> None:
        self.program("fails", "echo E: No space left on device; exit 3")
        log = self.programs / "log"
        with contextlib.redirect_stderr(io.StringIO()):
            arguments = ("it", ["fails"], log, os.environ, Path("/"), "another")
            self.assert_problem("failed with status 3", "free disk space", process.run, *arguments)


class Redrive(MissingTool):
    def redrive(self, client: str) -> str:
        if client:
            self.program("aws", client)
        done = subprocess.run([sys.executable, ROOT / "infra" / "operate" / "redrive.py", "--show"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        return done.stderr

    def test_redrive_names_what_is_missing(self) -> None:
        for client, hint in (
            ("", "install it"),
            ("echo Unable to locate credentials >&2; exit 253", 'eval "$(make -s env)"'),
            ("echo You must specify a region >&2; exit 253", "export AWS_REGION="),
            ("echo Stack with id htaccess-generator does not exist >&2; exit 254", "--stack NAME"),
            ("echo Could not connect to the endpoint URL >&2; exit 255", "make up"),
            ('echo \'{"Stacks": [{"Outputs": []}]}\'', "--stack NAME"),
        ):
            with self.subTest(client=client):
                self.assertIn(hint, self.redrive(client).split("hint: ")[1])


class Sync(MissingTool):
    def test_sync_without_the_aws_client(self) -> None:
        command = [sys.executable, ROOT / "infra" / "operate" / "sync" / "htaccess-sync", "bucket", "staging", "web"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.programs)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no aws client in PATH: install it", done.stderr)


class Guide(unittest.TestCase):
    def test_the_troubleshooting_guide_quotes_the_messages(self) -> None:
        guide = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
        section, found, _ = guide.partition("## With the AWS CLI")
        self.assertTrue(found)
        sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "infra" / "local").glob("*.py"))
        cells = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
        said = [span for cell in cells for span in re.findall("`([^`]+)`", cell)]
        self.assertGreater(len(said), 8)
        for span in said:
            for part in span.split("…"):
                self.assertIn(part, sources)


if __name__ == "__main__":
    unittest.main()
