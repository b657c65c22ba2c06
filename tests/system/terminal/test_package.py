"""The unpacked Debian package: its programs and files work in the folder into which it is unpacked."""

import gzip
import os
import re
import stat
import subprocess
import tomllib
import unittest
from pathlib import Path

from support import BAD_CSV, ROOT, FolderTest

PACKAGE = ROOT / "target" / "packaging" / "htaccess.deb"
DOCUMENTS = "usr/share/doc/htaccess-generator"


class Package(FolderTest):
    def setUp(self) -> None:
        super().setUp()
        self.run_program("dpkg-deb", "--extract", PACKAGE, self.folder)

    def field(self, name: str) -> str:
        """Returns a field of the package's control file."""
        return self.run_program("dpkg-deb", "--field", PACKAGE, name).strip()

    def test_the_package_describes_itself(self) -> None:
        manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
        version = manifest["package"]["version"]
        self.assertEqual(self.field("Package"), "htaccess-generator")
        self.assertEqual(self.field("Version"), f"{version}-1")
        self.assertIn("libc6", self.field("Depends"))
        changelog = gzip.decompress((self.folder / DOCUMENTS / "changelog.Debian.gz").read_bytes()).decode()
        self.assertTrue(changelog.startswith(f"htaccess-generator ({version}-1) "), changelog)
        self.assertIn("Permission is hereby granted", (self.folder / DOCUMENTS / "copyright").read_text())

    def test_the_licences_of_third_parties_are_in_the_package(self) -> None:
        found = (self.folder / DOCUMENTS / "THIRD-PARTY-LICENSES.txt").read_bytes()
        self.assertEqual(found, (ROOT / "THIRD-PARTY-LICENSES.txt").read_bytes())

    def test_the_program_has_no_path_of_the_machine(self) -> None:
        content = (self.folder / "usr/bin/htaccess").read_bytes()
        self.assertTrue(b"/cargo/registry/src/" in content, "the paths of the packages are not in the program")
        for path in (ROOT, Path.home(), os.environ.get("CARGO_HOME", "")):
            self.assertFalse(path and os.fsencode(path) in content, path)

    def test_the_program_runs(self) -> None:
        program = self.folder / "usr/bin/htaccess"
        self.assertEqual(stat.S_IMODE(program.stat().st_mode), 0o755)
        self.assertRegex(self.run_program(program, "--version"), r"^htaccess \d+\.\d+\.\d+\n$")
        self.write("a.csv", BAD_CSV)
        self.assertIn("Require ip 192.0.2.1\n", self.run_program(program, "render", "a.csv"))

    def commands(self, text: str) -> set[str]:
        """Returns the commands that a help text lists."""
        listed = text.partition("Commands:\n")[2].partition("\n\n")[0]
        return set(re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE)) - {"help"}

    def test_each_command_has_its_manual_page(self) -> None:
        program = self.folder / "usr/bin/htaccess"
        overview = self.run_program(program, "--help")
        below = self.commands(self.run_program(program, "template", "--help"))
        names = self.commands(overview) | {f"template-{name}" for name in below}
        pages = {page.name for page in (self.folder / "usr/share/man/man1").iterdir()}
        self.assertEqual(pages, {f"htaccess-{name}.1.gz" for name in names} | {"htaccess.1.gz"})
        shown = subprocess.run(
            ["man", "-l", self.folder / "usr/share/man/man1/htaccess-diff.1.gz"], capture_output=True, text=True, check=True
        )
        self.assertIn("who gains and who loses access", shown.stdout.replace("‐\n", ""))

    def test_completions_are_where_shells_search_for_them(self) -> None:
        script = self.folder / "usr/share/bash-completion/completions/htaccess"
        told = self.run_program("bash", "--norc", "-c", 'source "$1" && complete -p htaccess', "bash", script)
        self.assertIn("-F _htaccess", told)
        zsh = (self.folder / "usr/share/zsh/vendor-completions/_htaccess").read_text()
        self.assertTrue(zsh.startswith("#compdef htaccess\n"))
        fish = (self.folder / "usr/share/fish/vendor_completions.d/htaccess.fish").read_text()
        self.assertIn("complete -c htaccess", fish)

    def test_the_package_contains_the_documents(self) -> None:
        for name in ("README.md", "docs/web-servers.md", "docs/command-line.md"):
            path = self.folder / DOCUMENTS / name
            compressed = path.with_name(path.name + ".gz")
            self.assertTrue(path.exists() or compressed.exists(), name)


if __name__ == "__main__":
    unittest.main()
