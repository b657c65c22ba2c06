"""The workflows in .github/ pin their actions and have no unnecessary permissions, and actionlint finds mistakes in
them."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, load

import tools

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PINNED = re.compile(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def jobs() -> dict[tuple[str, str], dict]:
    return {(path.stem, name): job for path in WORKFLOWS for name, job in load(path.read_text())["jobs"].items()}


class Workflows(unittest.TestCase):
    def test_actions_are_pinned(self) -> None:
        used = [line.partition("uses:")[2].strip() for path in WORKFLOWS for line in path.read_text().splitlines() if "uses:" in line]
        self.assertGreater(len(used), 3)
        for one in used:
            self.assertRegex(one, PINNED)

    def test_only_the_publication_may_write(self) -> None:
        for path in WORKFLOWS:
            self.assertEqual(load(path.read_text())["permissions"], {"contents": "read"}, path.name)
        found = {name: job["permissions"] for name, job in jobs().items() if "permissions" in job}
        self.assertEqual(found, {("release", "publish"): {"contents": "write"}})

    def test_no_job_runs_for_hours_or_keeps_the_token(self) -> None:
        for name, job in jobs().items():
            self.assertLessEqual(job["timeout-minutes"], 60, name)
            for step in job["steps"]:
                if step.get("uses", "").startswith("actions/checkout@"):
                    self.assertIs(step["with"]["persist-credentials"], False, name)

    def test_every_form_has_what_the_forge_needs(self) -> None:
        forms = [load(path.read_text()) for path in FORMS if path.stem != "config"]
        self.assertEqual(len(forms), 2)
        for form in forms:
            self.assertLessEqual({"name", "description", "body"}, form.keys())
            fields = [field for field in form["body"] if field["type"] != "markdown"]
            self.assertEqual(len({field["id"] for field in fields}), len(fields))
            for field in fields:
                self.assertIn(field["type"], ("textarea", "input", "dropdown"))
                self.assertTrue(field["attributes"]["label"])

    def lint(self, text: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "workflow.yml")
            file.write_text(text)
            command = [tools.program("actionlint", "actionlint"), "-shellcheck=", "-pyflakes=", file]
            return subprocess.run(command, cwd=folder, capture_output=True, text=True)

    def test_a_mistake_is_found(self) -> None:
        text = (ROOT / ".github/workflows/release.yml").read_text()
        self.assertEqual(self.lint(text).returncode, 0)
        for right, wrong, said in (
            ("needs: build", "needs: bild", "bild"),
            ("matrix.folder }}/dist", "matrix.folders }}/dist", "folders"),
            ("contents: write", "contents: writes", "writes"),
        ):
            done = self.lint(text.replace(right, wrong))
            self.assertEqual(done.returncode, 1, wrong)
            self.assertIn(said, done.stdout)


if __name__ == "__main__":
    unittest.main()
