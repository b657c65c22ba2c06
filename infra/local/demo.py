"""The demonstration: uploads the sample CSVs, and prints the output and the answer for each of them.

This module reads the answers from the reports. A report is a page for people, but also contains the function's answer as
JSON.
"""

import json
import re
import time
from pathlib import Path
from typing import Any, Mapping

from process import Problem, in_parallel, say, tail
from ministack import Server
from deploy import aws
from tools import ROOT

SAMPLES = ROOT / "events" / "samples"
WAIT_SECONDS_MAX = 60
ANSWER = re.compile(r'<script type="application/json" id="answer">(.*?)</script>', re.DOTALL)
LINE_SHOWN_MAX = 160

NEXT = """Next steps:

    make up               start a local cloud that keeps running, and upload other CSVs
    examples/README.md    a tour in small steps, without a cloud
    sam build && sam deploy
                          deploy the same stack to an AWS account"""

Answer = dict[str, Any]


def show(server: Server, outputs: Mapping[str, str]) -> None:
    """Uploads the samples, waits for the outputs, and prints them."""
    keys = [path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*") if path.is_file()]
    keys.sort(key=str.casefold)
    uploads = f"s3://{outputs['UploadBucket']}/"
    say(f"uploading {len(keys)} files: aws s3 cp --recursive {SAMPLES.relative_to(ROOT)} {uploads} ...")
    began = time.monotonic()
    aws(server, "s3", "cp", "--recursive", "--only-show-errors", str(SAMPLES), uploads)
    uploaded = time.monotonic()
    say(f"uploaded in {uploaded - began:.1f} s; waiting for the reports ...")
    folder = server.folder / "outputs"
    answers = _wait(server, outputs, keys, folder)
    say(f"all {len(answers)} reports arrived after {time.monotonic() - uploaded:.1f} s")
    print("\nFor each upload: the .htaccess in the SiteBucket, and the problems that the report lists.")
    for answer in answers:
        _print(answer, folder / "site")
    published = sum(answer["status"] != "refused" for answer in answers)
    print(f"\n{len(answers)} uploads: {published} published, {len(answers) - published} refused. {NEXT}")


def answer_in(page: str) -> Answer:
    """Returns the function's answer, which is in a report."""
    found = ANSWER.search(page)
    if not found:
        raise Problem('a report without <script type="application/json" id="answer">')
    return json.loads(found.group(1))


def _wait(server: Server, outputs: Mapping[str, str], keys: list[str], folder: Path) -> list[Answer]:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        _download(server, outputs, folder)
        answers = _answers(keys, folder)
        missing = [key for key in keys if key not in answers]
        if not missing:
            return [answers[key] for key in keys]
        if time.monotonic() > deadline:
            raise Problem(
                f"after {WAIT_SECONDS_MAX} s there is no output for {', '.join(missing)}\n{tail(server.log)}",
                f"the log of the function is in the group {outputs['LogGroup']} and in {server.log}",
            )


def _download(server: Server, outputs: Mapping[str, str], folder: Path) -> None:
    def sync(bucket: str, to: str) -> None:
        aws(server, "s3", "sync", "--only-show-errors", f"s3://{bucket}", str(folder / to))

    in_parallel({
        "reports": lambda: sync(outputs["ReportBucket"], "reports"),
        "site": lambda: sync(outputs["SiteBucket"], "site"),
    })


def _answers(keys: list[str], folder: Path) -> dict[str, Answer]:
    """Returns the answers whose outputs also exist. The function writes the report and the output in any order."""
    answers = {}
    for key in keys:
        report = folder / "reports" / f"{key}.html"
        if not report.is_file():
            continue
        answer = answer_in(report.read_text(encoding="utf-8"))
        if answer["status"] == "refused" or (folder / "site" / answer["output"]).is_file():
            answers[key] = answer
    return answers


def _print(answer: Answer, site: Path) -> None:
    print(f"\n=== {answer['source']}")
    if answer["status"] == "refused":
        print(f"refused ({answer['code']}): {answer['message']}")
    else:
        print(f"{answer['status']} {answer['output']}: {answer['accepted']} of {answer['rows']} rows accepted\n")
        text = (site / answer["output"]).read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines():
            print(f"    {line if len(line) <= LINE_SHOWN_MAX else line[:LINE_SHOWN_MAX] + ' ...'}")
    if answer["rejections"]:
        print(f"\n{answer['rejected']} rejected:")
    for rejection in answer["rejections"]:
        print(f"    {rejection['message']} ({rejection['code']})")
