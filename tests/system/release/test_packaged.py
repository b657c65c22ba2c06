"""The packaged template: template.yaml with its comments and tags, except for the locations of the files and two
parameters."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, load

import packaged
import tools
from process import Problem

FOLDER = "0.1.0-0123456789ab"
SOURCE = (ROOT / "template.yaml").read_text(encoding="utf-8")
OTHERS = {name: (ROOT / "infra" / name).read_text(encoding="utf-8") for name in packaged.NESTED + packaged.SEPARATE}
BUCKET = {
    "!If": [
        "NamesArtifactBucket",
        {"!Ref": "ArtifactBucket"},
        {"!Sub": "htaccess-generator-release-${AWS::AccountId}-${AWS::Region}-an"},
    ]
}


class Packaged(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.text = packaged.packaged(SOURCE, FOLDER, ["x86_64", "arm64"])
        cls.found = load(cls.text)

    def test_nothing_else_is_changed(self) -> None:
        source, found = load(SOURCE), load(self.text)
        for template in (source, found):
            for name in ("ArtifactBucket", "ArtifactPrefix"):
                template["Parameters"].pop(name, None)
                template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterLabels"].pop(name, None)
            template["Conditions"].pop("NamesArtifactBucket", None)
            groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
            groups[:] = [group for group in groups if "ArtifactBucket" not in group["Parameters"]]
            template["Parameters"]["Architecture"].pop("Description")
            for name in ("BuildMethod", "BuildProperties"):
                template["Resources"]["Function"]["Metadata"].pop(name, None)
            template["Resources"]["Function"]["Properties"].pop("CodeUri")
            for name in ("Notifications", "Observability", "Reconcile", "SiteTopicStack"):
                template["Resources"][name]["Properties"].pop("TemplateURL")
            template["Outputs"].pop("UploadCommand")
        self.assertEqual(source, found)
        comments = [line for line in SOURCE.splitlines() if line.strip().startswith("#")]
        lost = [line for line in comments if line not in self.text.splitlines()]
        self.assertEqual(len(lost), 1, "only the comment about `sam build`")

    def test_the_files_are_read_from_the_bucket(self) -> None:
        resources = self.found["Resources"]
        code = resources["Function"]["Properties"]["CodeUri"]
        key = "${ArtifactPrefix}" + f"{FOLDER}/function-" + "${Architecture}.zip"
        self.assertEqual(code, {"Bucket": BUCKET, "Key": {"!Sub": key}})
        for resource, name in (("Notifications", "notifications.yaml"), ("Observability", "observability.yaml"), ("Reconcile", "reconcile.yaml"), ("SiteTopicStack", "site-topic.yaml")):
            address = "https://s3.${AWS::Region}.${AWS::URLSuffix}/${Bucket}/${ArtifactPrefix}" + f"{FOLDER}/{name}"
            self.assertEqual(resources[resource]["Properties"]["TemplateURL"], {"!Sub": [address, {"Bucket": BUCKET}]})

    def test_it_needs_no_checkout_and_no_build(self) -> None:
        for word in ("TemplateURL: infra/", "sam build", "BuildMethod", "events/"):
            self.assertNotIn(word, self.text)

    def test_every_parameter_has_a_default(self) -> None:
        self.assertEqual([name for name, one in self.found["Parameters"].items() if "Default" not in one], [])

    def test_the_console_shows_the_important_parameters_first(self) -> None:
        interface = self.found["Metadata"]["AWS::CloudFormation::Interface"]
        first, second, *_ = interface["ParameterGroups"]
        self.assertEqual(first["Parameters"], ["Template", "DefaultPolicy", "AlarmEmail"])
        self.assertEqual(second["Parameters"], ["ArtifactBucket", "ArtifactPrefix"])
        shown = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
        self.assertEqual(sorted(shown), sorted(self.found["Parameters"]))
        self.assertEqual(interface["ParameterLabels"].keys(), self.found["Parameters"].keys())

    def test_the_console_shows_the_names_by_which_the_documents_call_the_parameters(self) -> None:
        labels = self.found["Metadata"]["AWS::CloudFormation::Interface"]["ParameterLabels"]
        for name, label in labels.items():
            self.assertTrue(label["default"].endswith(f" ({name})"), label)

    def test_only_the_built_processors_can_be_chosen(self) -> None:
        parameter = load(packaged.packaged(SOURCE, FOLDER, ["arm64"]))["Parameters"]["Architecture"]
        self.assertEqual((parameter["Default"], parameter["AllowedValues"]), ("arm64", ["arm64"]))

    def test_cfn_lint_accepts_it(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "template.yaml")
            file.write_text(self.text, encoding="utf-8")
            command = [tools.program("sam", "cfn-lint"), "--append-rules", "cfn_lint_serverless.rules", "--", file]
            done = subprocess.run(command, cwd=ROOT, env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_it_is_short_enough(self) -> None:
        """The limit for a template in S3:
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""
        self.assertLess(len(self.text.encode()), 1_000_000)


class Files(unittest.TestCase):
    def files(self, function: bytes = b"zip", others: dict[str, str] = OTHERS) -> dict[str, bytes]:
        return packaged.files(SOURCE, others, {"x86_64": function}, "0.1.0")

    def test_a_changed_file_has_another_key(self) -> None:
        """With the same key, CloudFormation would not update the function."""
        first = self.files()
        self.assertEqual(first, self.files())
        [function] = [name for name in first if name.endswith("/function-x86_64.zip")]
        self.assertRegex(function, r"^0\.1\.0-[0-9a-f]{12}/")
        self.assertNotIn(function, self.files(b"other"))
        self.assertNotIn(function, self.files(others=OTHERS | {"observability.yaml": "other"}))

    def test_the_template_names_exactly_the_files(self) -> None:
        files = self.files()
        text = files.pop("template.yaml").decode()
        del files["web-server.yaml"]
        for name in files:
            self.assertEqual(text.count("${ArtifactPrefix}" + name.replace("x86_64", "${Architecture}")), 1, name)

    def test_the_template_of_a_web_server_needs_no_other_file(self) -> None:
        """The template's key is the same in every release, so a newer release replaces it."""
        content = self.files()["web-server.yaml"]
        self.assertEqual(content, (ROOT / "infra/web-server.yaml").read_bytes())
        for word in (b"TemplateURL", b"CodeUri", b"Transform"):
            self.assertNotIn(word, content)

    def test_a_template_of_another_form_is_a_problem(self) -> None:
        for old, new in (("      CodeUri: .\n", ""), ("      CodeUri: .\n", 2 * "      CodeUri: .\n"), ("infra/observability.yaml", "other.yaml")):
            with self.subTest(new=new), self.assertRaisesRegex(Problem, "is there [02] times, not once"):
                packaged.packaged(SOURCE.replace(old, new), FOLDER, ["x86_64"])


if __name__ == "__main__":
    unittest.main()
