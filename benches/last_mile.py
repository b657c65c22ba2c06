#!/usr/bin/env python3
"""Measures the last mile: from the upload of a CSV until a real Apache enforces it: `make bench-last-mile`.

Three local clouds run the stack of template.yaml. Their SiteBuckets have 10, 1,000 and 10,000 sites, and each has a web
server with all of its sites. For each of them there are two contenders, and all six take turns within one run:

    queue      htaccess-sync --queue, which waits for messages
    polling    htaccess-sync without it, started again as soon as it ends. The timer adds up to 70 seconds to that

Each upload lets one address in and shuts the previous one out. The time ends when Apache answers both rightly.
"""

import contextlib
import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Sequence

import measure
from measure import Problem, Row, Samples, milliseconds, say

import deploy
import ministack
import tools

sys.path.append(str(Path(__file__).parent / "apache"))
from httpd import Httpd  # noqa: E402

SERVER_STACK = "web-1"
SIZES = (10, 1000, 10_000)
PROGRAM = measure.ROOT / "target" / "htaccess-sync"
QUEUE, POLLING = "queue", "polling"
PATIENCE_SECONDS = 300
PAUSE_SECONDS = 0.02
SEED = 20


@dataclass(frozen=True)
class Cloud:
    """The local cloud with the stack and the queue of one web server."""

    server: ministack.Server
    uploads: str
    sites: str
    queue: str

    def put(self, bucket: str, objects: dict[str, str]) -> None:
        """Writes objects over one connection, with unsigned requests, because the local cloud does not check signatures."""
        connection = http.client.HTTPConnection(ministack.HOST, self.server.port, timeout=60)
        for key, text in objects.items():
            connection.request("PUT", f"/{bucket}/{key}", body=text.encode())
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise Problem(f"PUT /{bucket}/{key}: status {answer.status}: {said[:300]!r}")
        connection.close()


@contextlib.contextmanager
def cloud(name: str) -> Iterator[Cloud]:
    """Starts a local cloud, deploys template.yaml and infra/web-server.yaml, and stops the cloud at the end."""
    server = ministack.start(name, None)
    try:
        outputs = deploy.deploy(server, ["SiteTopic=enabled"])
        template = str(measure.ROOT / "infra" / "web-server.yaml")
        options = ("--template-file", template, "--stack-name", SERVER_STACK, "--capabilities", "CAPABILITY_IAM")
        deploy.aws(server, "cloudformation", "deploy", *options)
        query = "Stacks[0].Outputs[?OutputKey=='Queue'].OutputValue"
        queue = deploy.aws(server, "cloudformation", "describe-stacks", "--stack-name", SERVER_STACK, "--query", query, "--output", "json")
        yield Cloud(server, outputs["UploadBucket"], outputs["SiteBucket"], json.loads(queue)[0])
    finally:
        ministack.stop(name)


class WebServer:
    """Apache with a web root for each contender, and the programs that update the web roots."""

    def __init__(self, running: Cloud, httpd: Httpd, folder: Path) -> None:
        self.cloud = running
        self.httpd = httpd
        self.folder = folder
        self.random = random.Random(SEED)
        self.sites: list[str] = []
        # The address that each site allows. Every upload allows another address.
        self.allowed: dict[str, str] = {}
        self.uploads = 0

    def publish_sites(self, count: int) -> None:
        """Writes the outputs of sites directly into the bucket, without uploads, and creates the folders of the sites."""
        self.sites = [f"many/{number}" for number in range(count)]
        self.allowed = dict.fromkeys(self.sites, "192.0.2.1")
        for contender in (QUEUE, POLLING):
            for site in self.sites:
                page = self.web_root(contender) / site / "page.txt"
                page.parent.mkdir(parents=True)
                page.write_text("in\n", encoding="ascii")
        self.cloud.put(self.cloud.sites, {f"{site}/.htaccess": "Require ip 192.0.2.1\n" for site in self.sites})

    def web_root(self, contender: str) -> Path:
        return self.httpd.root / "root" / contender

    def staging(self, contender: str) -> Path:
        return self.folder / contender

    def start(self, contender: str, *options: str) -> subprocess.Popen:
        """Starts htaccess-sync with the local cloud's aws client."""
        env = self.cloud.server.env()
        env["PATH"] = os.pathsep.join([str(tools.CLIENTS), env["PATH"]])
        paths = (self.staging(contender), self.web_root(contender))
        return subprocess.Popen([sys.executable, PROGRAM, *options, self.cloud.sites, *paths], env=env)

    def compare_everything(self, contender: str) -> None:
        if self.start(contender).wait() != 0:
            raise Problem("htaccess-sync failed", "what it says stands above")

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        """Runs htaccess-sync with the queue. The body starts when the program waits for messages."""
        # The downloads are copied, so that both contenders start with the same files.
        shutil.copytree(self.staging(POLLING), self.staging(QUEUE))
        deploy.aws(self.cloud.server, "sqs", "purge-queue", "--queue-url", self.cloud.queue)
        program = self.start(QUEUE, "--queue", self.cloud.queue)
        try:
            # The program's comparison at the start may install the first upload. The second one arrives through the queue.
            for _ in range(2):
                self.upload_and_wait(QUEUE, lambda: self._check(program))
            yield
        finally:
            program.terminate()
            program.wait()
        if program.returncode != 0:
            raise Problem(f"htaccess-sync --queue ended with status {program.returncode}", "what it says stands above")

    def _check(self, program: subprocess.Popen) -> None:
        if program.poll() is not None:
            raise Problem(f"htaccess-sync --queue ended with status {program.returncode}", "what it says stands above")

    def through_queue(self) -> float:
        return self.upload_and_wait(QUEUE, lambda: None)

    def through_polling(self) -> float:
        """Measures an upload while htaccess-sync compares everything again and again."""
        runs = [self.start(POLLING)]

        def run_again() -> None:
            if runs[-1].poll() is not None:
                runs.append(self.start(POLLING))

        try:
            return self.upload_and_wait(POLLING, run_again)
        finally:
            runs[-1].wait()

    def upload_and_wait(self, contender: str, meanwhile: Callable[[], None]) -> float:
        """Uploads a CSV for a random site. Returns the milliseconds until Apache enforces the CSV."""
        site = self.random.choice(self.sites)
        before = self.allowed[site]
        self.uploads += 1
        address = f"198.51.{100 + self.uploads // 250}.{1 + self.uploads % 250}"
        self.allowed[site] = address
        began = time.monotonic()
        self.cloud.put(self.cloud.uploads, {f"{site}.csv": f"IP Address,Rule\n{address},Allow\n"})
        while self.httpd.status(f"{contender}/{site}", [address, before]) != [200, 403]:
            meanwhile()
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise Problem(f"{contender}: the upload for {site} is not enforced after {PATIENCE_SECONDS} s")
            time.sleep(PAUSE_SECONDS)
        return (time.monotonic() - began) * 1000

    def wait_until_equal(self) -> None:
        """Waits until the files that were installed through the queue equal the files from a complete comparison."""
        self.compare_everything(POLLING)
        began = time.monotonic()
        for site in self.sites:
            ours, theirs = (self.web_root(contender) / site / ".htaccess" for contender in (QUEUE, POLLING))
            while ours.read_bytes() != theirs.read_bytes():
                if time.monotonic() - began > PATIENCE_SECONDS:
                    raise Problem(f"{site}: the file differs from the one in the bucket")
                time.sleep(PAUSE_SECONDS)


def main() -> int:
    """Measures both contenders for each number of sites, and prints one table."""
    parser = measure.parser(__doc__)
    parser.add_argument("--rounds", type=int, help="uploads for each contender and number of sites (7)")
    options = parser.parse_args()
    rounds = options.rounds or (2 if options.quick else 7)
    sizes = (2, 20) if options.quick else SIZES
    measure.install_packages(["apache2-bin"])
    tools.build(tools.for_local_cloud())
    subprocess.run(["make", "--silent", "htaccess-sync", f"PYTHON={sys.executable}"], cwd=measure.ROOT, check=True)
    with contextlib.ExitStack() as stack:
        servers = {size: start(size, stack) for size in sizes}
        contenders = {}
        for size, web in servers.items():
            contenders |= {named(QUEUE, size): web.through_queue, named(POLLING, size): web.through_polling}
        say(f"load of the machine before: {os.getloadavg()[0]:.1f}")
        samples = measure.interleaved(contenders, rounds)
        say(f"load of the machine after: {os.getloadavg()[0]:.1f}")
        for web in servers.values():
            web.wait_until_equal()
    return measure.publish("last-mile", rows(sizes, samples), {"last-mile": samples}, options)


def start(size: int, stack: contextlib.ExitStack) -> WebServer:
    """Starts a cloud and a web server with this number of sites. Both run until the exit stack is closed."""
    say(f"--- {size:,} sites")
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="htaccess-bench-"))
    running = stack.enter_context(cloud(f"bench-last-mile-{size}"))
    web = WebServer(running, stack.enter_context(Httpd()), Path(folder))
    web.publish_sites(size)
    web.compare_everything(POLLING)
    stack.enter_context(web.following())
    return web


def named(contender: str, size: int) -> str:
    return f"{contender}, {size:,} sites"


def rows(sizes: Sequence[int], samples: Samples) -> list[Row]:
    made = []
    for size in sizes:
        ours, theirs = samples[named(QUEUE, size)], samples[named(POLLING, size)]
        seconds = statistics.median(ours) / 1000
        other = f"polling without a pause: {milliseconds(theirs)}"
        made.append(Row(f"upload → Apache, {size:,} sites", milliseconds(ours), other, seconds, "s", "less", 5))
    for contender, bar in ((QUEUE, 1.5), (POLLING, None)):
        few, many = samples[named(contender, sizes[0])], samples[named(contender, sizes[-1])]
        ratio = statistics.median(many) / statistics.median(few)
        what = f"{named(contender, sizes[-1])} against {sizes[0]:,}"
        made.append(Row(what, milliseconds(many), milliseconds(few), ratio, "x the time", "less", bar))
    return made


if __name__ == "__main__":
    measure.run_main(main)
