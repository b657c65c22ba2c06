"""Creates the packaged template from template.yaml, for a deployment without the SAM CLI and without Rust.

The files of a release are in a bucket. The packaged template has a parameter for this bucket, and reads the function and
the nested templates from there. The template is changed as text in a few places, so that it keeps its comments and YAML
tags. Each place must exist exactly once, otherwise the change fails.

    aws/template.yaml             the template of the stack
    aws/web-server.yaml           the template of a separate stack with the queue of one web server
    aws/VERSION-DIGEST/…          the function for each processor, and the nested templates

CloudFormation updates a function only if the key of its file changes. The keys contain a digest of all files, so a new
release can be uploaded to the same folder.
"""

import hashlib
import re
from typing import Mapping, Sequence

from process import Problem

NESTED = ("notifications.yaml", "observability.yaml", "reconcile.yaml", "site-topic.yaml")
# Templates of separate stacks, which are not changed. Their addresses do not depend on the release.
SEPARATE = ("web-server.yaml",)
FOLDER = "aws"
# The bucket that is used if ArtifactBucket is empty. No other account can create a bucket with such a name: template.yaml
# explains why.
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
# The bucket is in the path of the address, because this form is valid for every bucket name. `sam package` uses it as well.
ADDRESS = """\
      TemplateURL: !Sub
        - https://s3.${{AWS::Region}}.${{AWS::URLSuffix}}/${{Bucket}}/${{ArtifactPrefix}}{folder}/{name}
        - Bucket: {bucket}
"""


def files(template: str, others: Mapping[str, str], functions: Mapping[str, bytes], version: str) -> dict[str, bytes]:
    """Returns the content of the folder `aws`, by file name.

    `others` contains the templates in NESTED and SEPARATE, by file name. `functions` contains the zip files of the function,
    by processor architecture.
    """
    below = {f"function-{architecture}.zip": content for architecture, content in functions.items()}
    below |= {name: others[name].encode() for name in NESTED}
    folder = f"{version}-{_digest(below)}"
    text = packaged(template, folder, list(functions))
    top = {"template.yaml": text.encode()} | {name: others[name].encode() for name in SEPARATE}
    return top | {f"{folder}/{name}": content for name, content in below.items()}


def packaged(template: str, folder: str, architectures: Sequence[str]) -> str:
    """Returns the packaged template. `folder`, next to the template, contains the function and the nested templates."""
    text = HEAD + template
    # These lines are removed, because only `sam build` reads them.
    text = _replaced(text, r"^      BuildMethod: .*?(?=^    Properties:\n)", "")
    text = _replaced(text, r"^      CodeUri: \.\n", CODE.format(bucket=BUCKET, folder=folder))
    for name in NESTED:
        address = ADDRESS.format(bucket=BUCKET, folder=folder, name=name)
        text = _replaced(text, rf"^      TemplateURL: infra/{re.escape(name)}\n", address)
    chosen = ARCHITECTURE.format(default=architectures[0], values=", ".join(architectures))
    text = _replaced(text, r"^  Architecture:\n.*?(?=^  MemorySize:\n)", chosen)
    # The new group is inserted after the first group, which contains the most important parameters.
    text = _extended(text, r"^    ParameterGroups:\n      - Label:\n.*?(?=^      - Label:\n)", GROUP)
    text = _extended(text, r"^    ParameterLabels:\n", LABELS)
    text = _extended(text, r"^Parameters:\n", PARAMETERS)
    text = _extended(text, r"^Conditions:\n", CONDITIONS)
    # The path is in the command of the output UploadCommand. Users of a release do not have the samples.
    return _replaced(text, r"events/samples/clients/acme\.csv", "acme.csv")


def _replaced(text: str, pattern: str, new: str) -> str:
    """Replaces the only place that matches the pattern."""
    start, end = _place(text, pattern)
    return text[:start] + new + text[end:]


def _extended(text: str, pattern: str, more: str) -> str:
    """Inserts text after the only place that matches the pattern."""
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
