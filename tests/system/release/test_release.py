"""The files of a release are complete and reproducible, and they work on a machine without Rust."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

from support import ROOT, release, version

import dist
import sbom
import tools
from linked import TARGETS

ARCHITECTURE = tools.architecture()
DEBIAN = {"x86_64": "amd64", "arm64": "arm64"}[ARCHITECTURE]
ARCHIVE = f"htaccess-{version()}-{ARCHITECTURE}-linux"
# The libraries that belong to glibc.
GLIBC = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


def sums(folder: Path) -> dict[str, str]:
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


class Release(unittest.TestCase):
    def test_the_sboms_are_about_the_same_targets(self) -> None:
        self.assertEqual(tools.TRIPLES, TARGETS)

    def test_it_has_these_files(self) -> None:
        names = {re.sub(r"-[0-9a-f]{12}/", "-DIGEST/", name) for name in sums(release())}
        aws = f"aws/{version()}-DIGEST"
        self.assertEqual(
            names,
            {
                *("aws/template.yaml", "aws/web-server.yaml", f"{aws}/function-{ARCHITECTURE}.zip"),
                *(f"{aws}/{name}.yaml" for name in ("notifications", "observability", "reconcile", "site-topic")),
                *(f"htaccess-generator-{version()}-aws.zip", f"{ARCHIVE}.tar.gz", f"htaccess-generator_{version()}-1_{DEBIAN}.deb"),
                *("htaccess-sync", "htaccess-sync.service", "htaccess-sync.timer", "queue.conf"),
                *(f"bootstrap-{ARCHITECTURE}.cdx.json", f"htaccess-{ARCHITECTURE}.cdx.json"),
            },
        )

    def test_every_file_has_its_checksum(self) -> None:
        found = {str(path.relative_to(release())) for path in release().rglob("*") if path.is_file()}
        self.assertEqual(found, sums(release()).keys() | {"SHA256SUMS"})
        subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=release(), check=True)

    def test_a_second_time_gives_the_same_bytes(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            os.utime(ROOT / "README.md")
            before = os.umask(0o077)
            try:
                command = ["python3", ROOT / "infra/release/dist.py", "--quick", folder]
                subprocess.run(command, env={**os.environ, "TZ": "Asia/Tokyo"}, capture_output=True, check=True)
            finally:
                os.umask(before)
            self.assertEqual(sums(Path(folder)), sums(release()))

    def test_the_sboms_are_those_of_the_programs(self) -> None:
        for program in dist.PROGRAMS:
            text = (release() / f"{program}-{ARCHITECTURE}.cdx.json").read_text(encoding="utf-8")
            self.assertEqual(text, sbom.sbom(program, ARCHITECTURE))

    def test_the_folder_aws_is_also_in_one_file(self) -> None:
        with zipfile.ZipFile(release() / f"htaccess-generator-{version()}-aws.zip") as archive:
            found = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
        self.assertEqual(found, {name: digest for name, digest in sums(release()).items() if name.startswith("aws/")})

    def test_the_function_is_the_only_file_of_its_archive(self) -> None:
        [path] = release().glob("aws/*/function-*.zip")
        with zipfile.ZipFile(path) as archive:
            self.assertEqual([(one.filename, one.external_attr >> 16) for one in archive.infolist()], [("bootstrap", 0o100755)])

    def test_no_program_has_a_path_of_the_machine(self) -> None:
        [function] = release().glob("aws/*/function-*.zip")
        with zipfile.ZipFile(function) as archive, tarfile.open(release() / f"{ARCHIVE}.tar.gz") as command_line:
            programs = [archive.read("bootstrap"), command_line.extractfile(f"{ARCHIVE}/htaccess").read()]
        for program in programs:
            self.assertTrue(b"/cargo/registry/src/" in program, "the paths of the packages are not in the program")
            for path in (ROOT, Path.home(), os.environ.get("CARGO_HOME", "")):
                self.assertFalse(path and os.fsencode(path) in program, path)


class CommandLine(unittest.TestCase):
    """A machine without Rust: a clean folder, no environment variables, and no programs except tar and gzip."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="htaccess-dist-")))
        (self.folder / "bin").mkdir()
        for name in ("tar", "gzip"):
            (self.folder / "bin" / name).symlink_to(shutil.which(name))
        self.work = self.folder / "work"
        self.work.mkdir()
        shutil.copy(release() / f"{ARCHIVE}.tar.gz", self.work)

    def type(self, *command: str) -> str:
        """Runs a command as a user types it, and returns its output."""
        programs = str(self.folder / "bin")
        program = shutil.which(command[0], path=programs) or str(self.work / command[0])
        done = subprocess.run([program, *command[1:]], cwd=self.work, env={"PATH": programs}, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""), command)
        return done.stdout

    def test_from_the_archive_to_a_htaccess_in_two_commands(self) -> None:
        (self.work / "acme.csv").write_text("IP,Rule\n192.0.2.1,Allow\n")
        self.type("tar", "-xf", f"{ARCHIVE}.tar.gz")
        self.assertTrue(self.type(f"{ARCHIVE}/htaccess", "render", "acme.csv").endswith("\nRequire ip 192.0.2.1\n"))
        self.assertEqual(self.type(f"{ARCHIVE}/htaccess", "--version"), f"htaccess {version()}\n")
        self.assertEqual(self.type(f"{ARCHIVE}/htaccess", "licenses"), (ROOT / "THIRD-PARTY-LICENSES.txt").read_text(encoding="utf-8"))

    def test_the_program_needs_an_old_glibc_and_nothing_else(self) -> None:
        self.type("tar", "-xf", f"{ARCHIVE}.tar.gz")
        program = self.work / ARCHIVE / "htaccess"
        read = lambda option: subprocess.run(["readelf", "--wide", option, program], stdout=subprocess.PIPE, text=True, check=True).stdout
        needed = set(re.findall(r"Shared library: \[(.*)\]", read("--dynamic")))
        self.assertIn("libc.so.6", needed)
        self.assertLessEqual(needed, GLIBC)
        versions = {tuple(map(int, one.split("."))) for one in re.findall(r"GLIBC_([\d.]+)", read("--version-info"))}
        self.assertLessEqual(max(versions), tuple(map(int, tools.GLIBC.split("."))))
        # The versions of private symbols cannot be compared.
        self.assertNotIn("GLIBC_PRIVATE", read("--version-info"))

    def test_the_archive_has_licences_pages_completions_and_documents(self) -> None:
        with tarfile.open(release() / f"{ARCHIVE}.tar.gz") as archive:
            modes = {one.name.removeprefix(f"{ARCHIVE}/"): one.mode for one in archive.getmembers()}
        self.assertEqual({name for name, mode in modes.items() if mode & stat.S_IXUSR}, {"htaccess"})
        for name in (
            *("README.md", "LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-LICENSES.txt", "docs/install.md", "docs/command-line.md"),
            *("man/man1/htaccess.1", "man/man1/htaccess-render.1", "man/man1/htaccess-template-check.1"),
            *("completions/htaccess.bash", "completions/htaccess.zsh", "completions/htaccess.fish"),
        ):
            self.assertIn(name, modes)

    def test_the_debian_package_has_the_same_program(self) -> None:
        self.type("tar", "-xf", f"{ARCHIVE}.tar.gz")
        package = release() / f"htaccess-generator_{version()}-1_{DEBIAN}.deb"
        subprocess.run(["dpkg-deb", "--extract", package, self.folder / "installed"], check=True)
        self.assertEqual((self.folder / "installed/usr/bin/htaccess").read_bytes(), (self.work / ARCHIVE / "htaccess").read_bytes())
        depends = subprocess.run(["dpkg-deb", "--field", package, "Depends"], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertEqual(depends.strip(), f"libc6 (>= {tools.GLIBC})")


if __name__ == "__main__":
    unittest.main()
