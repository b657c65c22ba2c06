"""The hook in `.pre-commit-hooks.yaml`, run by the real pre-commit for commits in a repository."""

import os
import subprocess
import unittest

from support import BAD_CSV, CSV, HTACCESS, ROOT, FolderTest, clean_env

import tools

REVISION = "v1"
CONFIGURATION = """\
repos:
  - repo: {hooks}
    rev: {revision}
    hooks:
      - id: htaccess-check
"""
# A stand-in for cargo. Like cargo, it writes into the current folder.
CARGO = """\
#!/bin/sh
echo "$@" >> {calls}
mkdir -p target/release
cp {program} target/release/htaccess
"""


class Hook(FolderTest):
    @classmethod
    def setUpClass(cls) -> None:
        tools.install(("hook",))

    def setUp(self) -> None:
        super().setUp()
        author = {f"GIT_{role}_{what}": "test@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        path = os.pathsep.join([str(self.folder / "bin"), str(tools.TOOLS / "hook" / "bin"), os.environ["PATH"]])
        home = {"HOME": str(self.folder), "PRE_COMMIT_HOME": str(self.folder / "cache"), "GIT_CONFIG_NOSYSTEM": "1"}
        self.env = clean_env(PATH=path, **home, **author)
        self.hooks = self.repository("hooks")
        # The hook as it is released, with a cargo that copies the program that was built before.
        for name in (".pre-commit-hooks.yaml", "packaging/pre-commit"):
            shipped = self.write(f"hooks/{name}", (ROOT / name).read_bytes())
            shipped.chmod((ROOT / name).stat().st_mode)
        self.write("bin/cargo", CARGO.format(program=HTACCESS, calls=self.folder / "calls").encode()).chmod(0o755)
        self.commit("hooks")
        self.git("hooks", "tag", REVISION)
        self.repository("site")
        configuration = CONFIGURATION.format(hooks=self.hooks, revision=REVISION)
        self.write("site/.pre-commit-config.yaml", configuration.encode())
        self.commit("site")
        self.run_program("sh", "-c", "cd site && pre-commit install", env=self.env)

    def repository(self, name: str) -> str:
        """Creates a repository. Returns its path."""
        path = str(self.folder / name)
        self.run_program("git", "init", "--quiet", path, env=self.env)
        return path

    def git(self, repository: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs git in a repository."""
        command = ["git", "-C", str(self.folder / repository), *arguments]
        return subprocess.run(command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def commit(self, repository: str) -> subprocess.CompletedProcess[str]:
        """Commits all files."""
        self.assertEqual(self.git(repository, "add", "--all").returncode, 0)
        return self.git(repository, "commit", "--quiet", "--message", "change")

    def test_a_commit_with_a_rejected_row_is_stopped(self) -> None:
        self.write("site/clients/acme.csv", CSV)
        self.write("site/README.md", b"not a CSV")
        fine = self.commit("site")
        self.assertEqual(fine.returncode, 0, fine.stdout)
        self.assertRegex(fine.stdout, r"check the CSVs of IP rules\.+Passed")

        self.write("site/clients/acme.csv", BAD_CSV)
        stopped = self.commit("site")
        self.assertEqual(stopped.returncode, 1, stopped.stdout)
        self.assertIn("rejected[invalid-address]", stopped.stdout)
        self.assertIn(" --> clients/acme.csv:3:1\n", stopped.stdout)

        # The arguments in a site's configuration replace the hook's default arguments.
        lenient = CONFIGURATION.format(hooks=self.hooks, revision=REVISION) + "        args: []\n"
        self.write("site/.pre-commit-config.yaml", lenient.encode())
        self.assertEqual(self.commit("site").returncode, 0)

    def test_the_program_is_built_with_the_locked_dependencies(self) -> None:
        self.write("site/clients/acme.csv", CSV)
        self.assertEqual(self.commit("site").returncode, 0)
        calls = (self.folder / "calls").read_text().splitlines()
        self.assertEqual(calls, ["build --locked --release --quiet --bin htaccess --target-dir target"])

    def test_only_csvs_are_checked(self) -> None:
        self.write("site/notes.txt", b"no rules")
        ignored = self.commit("site")
        self.assertEqual(ignored.returncode, 0, ignored.stdout)
        self.assertRegex(ignored.stdout, r"\(no files to check\) *Skipped")
        self.write("site/A.CSV.GZ", b"\x1f\x8b damaged")
        self.assertIn("error[not-csv]", self.commit("site").stdout)


if __name__ == "__main__":
    unittest.main()
