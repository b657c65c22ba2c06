"""Tests every sample event with `sam local invoke`, in a container as on Lambda, against a separate local cloud.

The test needs Docker and the SAM CLI's base image. If the image cannot be pulled, the module creates a replacement with
the same name by running debootstrap. The replacement is sufficient, because the function needs only a C library, and the
SAM CLI adds Lambda's runtime interface. If this also fails, the module prints a message and tests nothing.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any, Iterator

import deploy
import ministack
from process import Problem, read, run, say
from tools import LOGS, ROOT, TOOLS, architecture, for_local_cloud, program

NAME = "invoke"
SAMPLES = ROOT / "events" / "samples"
DEBIAN = "bookworm"
PULL_SECONDS_MAX = 180
SKIP = 'SKIPPED: "sam local invoke" with the sample events was NOT tested: '
# The expected answer to each event after the samples are published. The CSV in the deletion events was never uploaded.
QUEUE_ALL_WELL = {"batchItemFailures": []}
EXPECTED: dict[str, Any] = {
    "s3-put.json": ["unchanged"],
    "s3-put-multiple.json": ["unchanged"] * 3,
    "s3-put-other-files.json": ["refused", "ignored"],
    "s3-delete.json": ["kept"],
    "s3-test-event.json": ["ignored"],
    "eventbridge-created.json": ["unchanged"],
    "eventbridge-deleted.json": ["kept"],
    "sns.json": ["unchanged"],
    "schedule.json": ["unchanged"],
    "sqs-s3.json": QUEUE_ALL_WELL,
    "sqs-sns.json": QUEUE_ALL_WELL,
    "sqs-eventbridge.json": QUEUE_ALL_WELL,
    "batch-operations-1.0.json": ["Succeeded"] * 2,
    "batch-operations-2.0.json": ["Succeeded"],
    # The tasks of a run over all sites, in their order.
    "reconcile-uploads.json": {"run": "sample", "counts": {"unchanged": 2}, "states": {}, "failed": 0},
    "reconcile-item.json": {"run": "sample", "counts": {"unchanged": 1}, "states": {}, "failed": 0},
    "reconcile-outputs.json": {"run": "sample", "counts": {}, "states": {}, "failed": 0},
    "reconcile-overview.json": {"run": "sample", "counts": {"unchanged": 3}, "states": {"in-force": 3}, "failed": 0},
}


def missing() -> str:
    """Returns the reason why the test cannot run here, or an empty string if it can."""
    if not shutil.which("docker"):
        return "there is no docker. Install it (Debian: apt-get install docker.io) and repeat `make test-invoke`"
    if _docker("info").returncode != 0:
        return f"the docker daemon does not answer. {_daemon_hint(_docker('info').stderr)}"
    if _docker("image", "inspect", _image()).returncode == 0 or _docker("pull", _image()).returncode == 0:
        return ""
    if not shutil.which("debootstrap") or os.geteuid() != 0:
        return (
            f"the image {_image()} cannot be pulled, and creating one needs debootstrap and root. "
            f"Run: docker pull {_image()}, or as root: apt-get install debootstrap"
        )
    return "" if _make_image() else f"the image {_image()} could not be created: {LOGS / 'debootstrap.log'}"


def _daemon_hint(error: str) -> str:
    if "permission denied" in error.lower():
        return "Give this user access to it (as root: usermod -aG docker USER), log in again and repeat `make test-invoke`"
    return "Start it (as root: systemctl start docker, or dockerd) and repeat `make test-invoke`"


def check() -> None:
    """Uploads the samples and invokes the function with every event. Raises a `Problem` for an unexpected answer."""
    events = {path.name for path in (ROOT / "events").glob("*.json")}
    if events != set(EXPECTED):
        raise Problem(f"these events are in only one of events/ and EXPECTED: {sorted(events ^ set(EXPECTED))}")
    running = ministack.start(NAME, None)
    try:
        outputs = deploy.deploy(running)
        uploads = f"s3://{outputs['UploadBucket']}/"
        deploy.aws(running, "s3", "cp", "--recursive", "--only-show-errors", str(SAMPLES), uploads)
        with _reachable_by_containers(running.port) as endpoint, tempfile.TemporaryDirectory() as folder:
            variables = Path(folder, "variables.json")
            variables.write_text(json.dumps({"Function": _variables(outputs, endpoint)}))
            _invoke(running, "s3-put.json", variables)  # The upload's own event may still be in progress.
            for event, expected in EXPECTED.items():
                answer = _invoke(running, event, variables)
                if _outcome(answer) != expected:
                    raise Problem(f"the answer to events/{event} is {answer}, not {expected}")
                say(f"sam local invoke --event events/{event}: {json.dumps(expected)}")
    finally:
        ministack.stop(NAME)


def _variables(outputs: dict[str, str], endpoint: str) -> dict[str, str]:
    """Returns the function's variables with real bucket names. The SAM CLI would use the logical names of the resources."""
    return {
        "UPLOAD_BUCKET": outputs["UploadBucket"],
        "OUTPUT_BUCKET": outputs["SiteBucket"],
        "REPORT_BUCKET": outputs["ReportBucket"],
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ENDPOINT_URL_SCHEDULER": endpoint,
        # The SAM CLI would also use logical names for these two. They are empty, because the samples have no dates.
        "SCHEDULE_GROUP": "",
        "SCHEDULE_ROLE_ARN": "",
    }


def _invoke(running: ministack.Server, event: str, variables: Path) -> Any:
    command = [program("sam", "sam"), "local", "invoke", "Function", "--skip-pull-image"]
    command += ["--template", str(for_local_cloud().folder / "template.yaml")]
    command += ["--event", str(ROOT / "events" / event), "--env-vars", str(variables)]
    env = running.env()
    del env["AWS_ENDPOINT_URL"]  # The SAM CLI itself does not use the local cloud.
    answer = read(command, env, ROOT).strip().splitlines()
    return json.loads(answer[-1])


def _outcome(answer: Any) -> Any:
    if "results" not in answer:
        return answer
    return [result.get("status") or result.get("resultCode") for result in answer["results"]]


def _image() -> str:
    return f"public.ecr.aws/lambda/provided:al2023-{architecture()}"


def _make_image() -> bool:
    say(f"{_image()} cannot be pulled here: creating an image of Debian packages with this name ...")
    with tempfile.TemporaryDirectory(dir=TOOLS) as folder:
        root = Path(folder, "root")
        try:
            run("debootstrap", ["debootstrap", "--variant=minbase", DEBIAN, str(root)], LOGS / "debootstrap.log", os.environ, ROOT)
        except Problem:
            return False
        (root / "var" / "runtime").mkdir(parents=True, exist_ok=True)
        (root / "var" / "task").mkdir(parents=True, exist_ok=True)
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
            changes = ["--change", "WORKDIR /var/task", "--change", "ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime"]
            made = subprocess.run(["docker", "import", *changes, "-", _image()], stdin=tar.stdout, capture_output=True, check=False)
    return made.returncode == 0


def _docker(*arguments: str) -> subprocess.CompletedProcess:
    """Runs docker with a time limit, because a pull can hang if there is no network."""
    command = ["docker", *arguments]
    if shutil.which("timeout"):
        command = ["timeout", str(PULL_SECONDS_MAX), *command]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@contextlib.contextmanager
def _reachable_by_containers(port: int) -> Iterator[str]:
    """Forwards connections from Docker's bridge to the local cloud, which listens only on 127.0.0.1."""
    gateway = _docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}").stdout.strip()
    with socket.create_server((gateway or "172.17.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, port), daemon=True).start()
        address, own_port = listener.getsockname()
        yield f"http://{address}:{own_port}"


def _accept(listener: socket.socket, port: int) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # The listener was closed at the end of the test.
            return
        upstream = socket.create_connection((ministack.HOST, port))
        for one, other in ((client, upstream), (upstream, client)):
            threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := one.recv(65536):
            other.sendall(piece)
        other.shutdown(socket.SHUT_WR)
