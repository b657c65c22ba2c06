"""The template for a deployment without the SAM CLI and without Rust, made from template.yaml.

The files of a release are in a bucket. The packaged template asks for that bucket, and reads the function and the nested
templates from there. It is a text with a few changed places, so that it keeps the comments and the tags of YAML. Each
place must exist exactly once, otherwise the change fails.

    aws/template.yaml             the address of this file creates the stack
    aws/web-server.yaml           the address of this file creates a separate stack with the queue of one web server
    aws/VERSION-DIGEST/…          the function for each processor, and the nested templates

CloudFormation updates a function only if the key of its file changes. The digest of all files is a part of the keys, so a
new release can be uploaded to the same place.
"""

import hashlib
import re
from typing import Mapping, Sequence

from process import Problem

NESTED = ("notifications.yaml", "observability.yaml", "reconcile.yaml", "site-topic.yaml")
# Templates of separate stacks, which need no change. Their addresses do not depend on the release.
SEPARATE = ("web-server.yaml",)
FOLDER = "aws"
# The bucket that is used if ArtifactBucket is empty. S3 lets nobody else create a bucket with such a name (template.yaml).
DEFAULT_BUCKET = "htaccess-generator-release-${AWS::AccountId}-${AWS::Region}-an"

HEAD = """\
# Made by `make dist` from template.yaml. docs/install.md describes the deployment from the CloudFormation console.
"""
GROUP = """\
      - Label:
          default: Files of the release
        Parameters:
          - ArtifactBucket
          - ArtifactPrefix
"""
LABELS = """\
      ArtifactBucket: {default: Bucket with the files of the release (ArtifactBucket)}
      ArtifactPrefix: {default: Folder in this bucket (ArtifactPrefix)}
"""
PARAMETERS = f"""\
  ArtifactBucket:
    Type: String
    Default: ""
    Description: >-
      The name of the bucket to which you uploaded the folder {FOLDER} of the release, in this region. If empty, the name is
      htaccess-generator-release-ACCOUNT-REGION-an, with the numbers of this account and the name of this region.
    AllowedPattern: ^([a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9])?$
    ConstraintDescription: must be empty or the name of a bucket
  ArtifactPrefix:
    Type: String
    Default: {FOLDER}/
    Description: >-
      The folder in this bucket that contains template.yaml, with a slash at the end. If there is no folder, leave empty.
    AllowedPattern: ^([^/]+/)*$
    ConstraintDescription: must be empty or end with a slash
"""
CONDITIONS = """\
  NamesArtifactBucket: !Not [!Equals [!Ref ArtifactBucket, ""]]
"""
BUCKET = f"!If [NamesArtifactBucket, !Ref ArtifactBucket, !Sub '{DEFAULT_BUCKET}']"
CODE = """\
      CodeUri:
        Bucket: {bucket}
        Key: !Sub ${{ArtifactPrefix}}{folder}/function-${{Architecture}}.zip
"""
ARCHITECTURE = """\
  Architecture:
    Type: String
    Default: {default}
    Description: The processor architecture of the function.
    AllowedValues: [{values}]
"""
# The address with the bucket in its path is valid for every name of a bucket. `sam package` writes the same form.
ADDRESS = """\
      TemplateURL: !Sub
        - https://s3.${{AWS::Region}}.${{AWS::URLSuffix}}/${{Bucket}}/${{ArtifactPrefix}}{folder}/{name}
        - Bucket: {bucket}
"""


def files(template: str, others: Mapping[str, str], functions: Mapping[str, bytes], version: str) -> dict[str, bytes]:
    """Returns the content of the folder `aws`, by file name.

    `others` has the templates of NESTED and SEPARATE by file name. The functions are zip files by processor architecture.
    """
    below = {f"function-{architecture}.zip": content for architecture, content in functions.items()}
    below |= {name: others[name].encode() for name in NESTED}
    folder = f"{version}-{_digest(below)}"
    text = packaged(template, folder, list(functions))
    top = {"template.yaml": text.encode()} | {name: others[name].encode() for name in SEPARATE}
    return top | {f"{folder}/{name}": content for name, content in below.items()}


def packaged(template: str, folder: str, architectures: Sequence[str]) -> str:
    """Returns the packaged template. The folder, next to it, has the function and the nested templates."""
    text = HEAD + template
    # Only `sam build` reads these lines.
    text = _replaced(text, r"^      BuildMethod: .*?(?=^    Properties:\n)", "")
    text = _replaced(text, r"^      CodeUri: \.\n", CODE.format(bucket=BUCKET, folder=folder))
    for name in NESTED:
        address = ADDRESS.format(bucket=BUCKET, folder=folder, name=name)
        text = _replaced(text, rf"^      TemplateURL: infra/{re.escape(name)}\n", address)
    chosen = ARCHITECTURE.format(default=architectures[0], values=", ".join(architectures))
    text = _replaced(text, r"^  Architecture:\n.*?(?=^  MemorySize:\n)", chosen)
    # The first group has the parameters that matter most.
    text = _extended(text, r"^    ParameterGroups:\n      - Label:\n.*?(?=^      - Label:\n)", GROUP)
    text = _extended(text, r"^    ParameterLabels:\n", LABELS)
    text = _extended(text, r"^Parameters:\n", PARAMETERS)
    text = _extended(text, r"^Conditions:\n", CONDITIONS)
    # The command of the output UploadCommand. A reader of the release does not have the samples.
    return _replaced(text, r"events/samples/clients/acme\.csv", "acme.csv")


def _replaced(text: str, pattern: str, new: str) -> str:
    """Replaces the only place that the pattern matches."""
    start, end = _place(text, pattern)
    return text[:start] + new + text[end:]


def _extended(text: str, pattern: str, more: str) -> str:
    """Adds text after the only place that the pattern matches."""
    _, end = _place(text, pattern)
    return text[:end] + more + text[end:]


def _place(text: str, pattern: str) -> tuple[int, int]:
    found = list(re.finditer(pattern, text, re.MULTILINE | re.DOTALL))
    if len(found) != 1:
        raise Problem(f"template.yaml: `{pattern}` is there {len(found)} times, not once", "change infra/release/packaged.py too")
    return found[0].span()


def _digest(contents: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name in sorted(contents):
        whole.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(contents[name]).digest())
    return whole.hexdigest()[:12]
