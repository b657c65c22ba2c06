#!/usr/bin/env python3
"""Measures runs over all sites in the local cloud, and computes what they cost on AWS: `make bench-fleet`.

For each number of sites, a new local cloud gets the stack and that many CSVs, without events. Then

    everything    one run of the state machine publishes all of them
    nothing       a second run finds every output current
    batches       the tasks of a third run in batches of 100, 5 at a time, as Step Functions sends them on AWS

The local cloud has no batches: it calls the function for each object, which takes most of the time of the first two. A
proxy between the function and S3 counts the calls. The calls of a run itself (its parts, their list, the overview) are
counted apart from those about sites.

Costs are at the public prices of us-east-1 in dollars: https://aws.amazon.com/s3/pricing/,
https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/step-functions/pricing/. They assume that each round trip to S3
takes 30 ms, and 1,024 MB of memory, the default. Logs, alarms, free tiers and discounts are not included.
"""

import argparse
import concurrent.futures
import datetime
import http.client
import json
import math
import re
import socket
import sys
import threading
import time
import urllib.parse
from collections import Counter
from dataclasses import dataclass
from typing import Any, Sequence

import measure
from measure import Problem, say

sys.path.insert(0, str(measure.ROOT / "infra" / "local"))

import deploy
import ministack
import tools

NAME = "bench-fleet"
SIZES = (100, 1_000, 10_000)
ROWS = 20
BATCH, BATCHES_AT_ONCE, OBJECTS_AT_ONCE = 100, 5, 8
REQUEST = re.compile(rb"(GET|HEAD|PUT|POST|DELETE) /([^ ]*) HTTP/1\.1\r\n")
OWN_OBJECTS = ("overview/parts/", "index.html", "sites.csv", "?list-type=2")
RUN_SECONDS_MAX = 4 * 3600

# Prices in dollars.
S3_GET, S3_PUT_OR_LIST = 0.0004 / 1000, 0.005 / 1000
LAMBDA_REQUEST, LAMBDA_GB_SECOND = 0.20 / 1e6, 0.0000166667
EXPRESS_REQUEST, EXPRESS_GB_SECOND, EXPRESS_GB = 1.00 / 1e6, 0.00001667, 64 / 1024
STANDARD_TRANSITION = 0.025 / 1000
# Assumptions about a run on AWS.
ROUND_TRIP_S, MEMORY_GB, PUBLISH_WORK_S = 0.030, 1.0, 0.005
TRANSITIONS = 10
LISTED_AT_ONCE = 1000


class Counting:
    """A proxy that forwards everything and counts the requests, by method and by purpose: for a site or for the run."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.upstream = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def take(self) -> Counter[tuple[str, str]]:
        """Returns the counts since the last call, and resets them."""
        with self._lock:
            taken, self.calls = self.calls, Counter()
        return taken

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.create_connection(("127.0.0.1", self.upstream))
            for one, other, seen in ((client, server, self._count), (server, client, lambda _: b"")):
                threading.Thread(target=_relay, args=(one, other, seen), daemon=True).start()

    def _count(self, data: bytes) -> bytes:
        """Counts the requests in the data. Returns the end of the data, which may contain the start of the next request."""
        end = 0
        for found in REQUEST.finditer(data):
            target = found[2].decode("ascii", "replace").partition("/")[2]
            kind = "run" if any(target.startswith(own) for own in OWN_OBJECTS) else "site"
            with self._lock:
                self.calls[kind, found[1].decode("ascii")] += 1
            end = found.end()
        return data[max(end, len(data) - 4096) :]


def _relay(one: socket.socket, other: socket.socket, seen: Any) -> None:
    rest = b""
    try:
        while data := one.recv(65536):
            rest = seen(rest + data)
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@dataclass(frozen=True)
class Measured:
    """The measurements of one run."""

    sites: int
    work: str
    seconds: float
    calls: Counter[tuple[str, str]]

    def of(self, kind: str) -> int:
        """Returns the number of S3 calls for sites (`site`) or for the run itself (`run`)."""
        return sum(count for (of, _), count in self.calls.items() if of == kind)

    def row(self) -> list[str]:
        """Returns the row of the table."""
        return [
            f"{self.sites:,}",
            self.work,
            f"{self.seconds:,.1f} s",
            f"{self.seconds / self.sites * 1000:.2f} ms",
            f"{self.of('site') / self.sites:.2f}",
            f"{self.of('run'):,}",
        ]


HEADINGS = ["sites", "work", "time", "time per site", "S3 calls per site", "S3 calls of the run itself"]


def main() -> int:
    """Measures each number of sites, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 sites only")
    parser.add_argument("--sites", type=int, nargs="+", help="other numbers of sites (100 1000 10000)")
    parser.add_argument("--markdown", action="store_true", help="put the tables into docs/benchmarks.md")
    options = parser.parse_args()
    sizes = SIZES[:1] if options.quick else options.sites or SIZES
    tools.build(tools.for_local_cloud())
    found = [measured for sites in sizes for measured in _measure(sites)]
    tables = {
        "fleet-runs": (HEADINGS, [measured.row() for measured in found]),
        "fleet-cost": (["a million sites", "S3", "Lambda", "Step Functions", "together"], _costs()),
    }
    for name, (headings, rows) in tables.items():
        print(measure.text_table(headings, rows) + "\n")
        if options.markdown:
            measure.put_into_document(name, measure.markdown_table(headings, rows))
    return 0


def _measure(sites: int) -> list[Measured]:
    say(f"{sites:,} sites ...")
    counting = Counting()
    cloud = ministack.start(NAME, None)
    try:
        counting.upstream = cloud.port
        endpoint = f"EndpointUrl=http://127.0.0.1:{counting.port}"
        # The local cloud has no batches, so the end of a run over 10,000 sites reads as many parts as the end of a run over
        # a million sites on AWS, and needs a long timeout.
        outputs = deploy.deploy(cloud, [endpoint, "ReconcileSchedule=", "Timeout=900"])
        _upload(cloud, outputs["UploadBucket"], sites)
        counting.take()
        found = []
        for work, status in (("everything", "written"), ("nothing", "unchanged")):
            seconds, counts = _run(cloud, outputs["StateMachine"])
            if counts != {status: sites}:
                raise Problem(f"a run with {work} to do counted {counts}, not {sites} {status}")
            found.append(Measured(sites, f"{work} to do", seconds, counting.take()))
        seconds = _run_in_batches(cloud, outputs, sites)
        found.append(Measured(sites, "nothing to do, in batches", seconds, counting.take()))
        for measured in found:
            say("  ".join(measured.row()))
        return found
    finally:
        ministack.stop(NAME)


def _key(index: int) -> str:
    return f"clients/{index:06}.csv"


def _upload(cloud: ministack.Server, bucket: str, sites: int) -> None:
    """Uploads the CSVs. The bucket sends no events for them."""
    off = ["--bucket", bucket, "--notification-configuration", "{}"]
    deploy.aws(cloud, "s3api", "put-bucket-notification-configuration", *off)
    say(f"uploading {sites:,} CSVs ...")

    def upload(indexes: range) -> None:
        connection = http.client.HTTPConnection(ministack.HOST, cloud.port)
        for index in indexes:
            high, low = divmod(index, 256)
            rows = "".join(f"10.{high % 256}.{low}.{row},Allow\n" for row in range(1, 2 * ROWS, 2))
            connection.request("PUT", f"/{bucket}/{_key(index)}", f"IP,Rule\n{rows}".encode())
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise Problem(f"the upload of {_key(index)} was answered with {answer.status}")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(upload, [range(start, sites, 4) for start in range(4)]))


def _run(cloud: ministack.Server, machine: str) -> tuple[float, dict[str, int]]:
    """Runs the state machine over all sites. Returns the time of the run and its counts."""
    began = time.monotonic()
    start = ["start-execution", "--state-machine-arn", machine, "--input", "{}", "--output", "json"]
    arn = json.loads(deploy.aws(cloud, "stepfunctions", *start))["executionArn"]
    while time.monotonic() - began < RUN_SECONDS_MAX:
        ask = ["describe-execution", "--execution-arn", arn, "--output", "json"]
        execution = json.loads(deploy.aws(cloud, "stepfunctions", *ask))
        if execution["status"] == "SUCCEEDED":
            seconds = _instant(execution["stopDate"]) - _instant(execution["startDate"])
            return seconds, json.loads(execution["output"])["counts"]
        if execution["status"] != "RUNNING":
            raise Problem(f"the run ended as {execution['status']}: {execution.get('cause')}")
        time.sleep(1)
    raise Problem("the run did not end")


def _instant(value: float | str) -> float:
    if isinstance(value, (int, float)):
        return float(value)
    return datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()


def _run_in_batches(cloud: ministack.Server, outputs: dict[str, str], sites: int) -> float:
    """Sends the tasks of a run to the function in batches. Returns the time of the run."""
    path = f"/2015-03-31/functions/{urllib.parse.quote(outputs['FunctionName'])}/invocations"

    def invoke(task: dict[str, Any]) -> None:
        connection = http.client.HTTPConnection(ministack.HOST, cloud.port, timeout=300)
        connection.request("POST", path, json.dumps(task), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or json.loads(body).get("failed") != 0:
            raise Problem(f"a batch was answered with {answer.status}: {body[:300]!r}")

    def item(kind: str, bucket: str, key: str) -> dict[str, str]:
        return {"reconcile": kind, "run": "batches", "bucket": bucket, "key": key}

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(BATCHES_AT_ONCE) as pool:
        for kind, bucket, end in (("uploads", "UploadBucket", ".csv"), ("outputs", "SiteBucket", "/.htaccess")):
            keys = [_key(index).removesuffix(".csv") + end for index in range(sites)]
            items = [item(kind, outputs[bucket], key) for key in keys]
            batches = [{"Items": items[start : start + BATCH]} for start in range(0, sites, BATCH)]
            list(pool.map(invoke, batches))
    invoke({"reconcile": "overview", "run": "batches", "prefix": ""})
    return time.monotonic() - began


def _costs(sites: int = 1_000_000) -> list[list[str]]:
    """Returns the cost of a run with nothing to do, and of a run with everything to do."""
    batches = math.ceil(sites / BATCH)
    rounds = math.ceil(BATCH / OBJECTS_AT_ONCE)
    rows = []
    for work, upload_trips, upload_work_s, puts in (("nothing to do", 1, 0.0, 0), ("everything to do", 2, PUBLISH_WORK_S, 2)):
        # The additional round trip writes the part. For an upload, the heads of the output and the report are read together
        # with the CSV. For an output, the two reads follow one another.
        upload_s = rounds * upload_trips * ROUND_TRIP_S + BATCH * upload_work_s + ROUND_TRIP_S
        output_s = rounds * 2 * ROUND_TRIP_S + ROUND_TRIP_S
        seconds = batches * (upload_s + output_s)
        # There are 5 reads for each site. For each batch, 2 parts are written and read. Both buckets and the parts are
        # listed.
        lists = (2 * sites + 2 * batches) / LISTED_AT_ONCE
        s3 = (5 * sites + 2 * batches) * S3_GET + (puts * sites + 2 * batches + lists) * S3_PUT_OR_LIST
        function = 2 * batches * LAMBDA_REQUEST + seconds * MEMORY_GB * LAMBDA_GB_SECOND
        machine = 2 * batches * EXPRESS_REQUEST + seconds * EXPRESS_GB * EXPRESS_GB_SECOND + TRANSITIONS * STANDARD_TRANSITION
        rows.append([work, *(f"${dollars:.2f}" for dollars in (s3, function, machine, s3 + function + machine))])
    return rows


if __name__ == "__main__":
    measure.run_main(main)
