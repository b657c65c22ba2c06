"""Downloads the published .htaccess files and installs them in the web root.

    htaccess-sync [--delete] [--queue URL] BUCKET STAGING WEB_ROOT

STAGING is a folder that only this program uses, outside of the web root. It belongs to the user who runs the program,
and the program gives it mode 0700. Files that did not change are not touched. Files of sites that this server does not
have are skipped: their folder does not exist below WEB_ROOT.

By default nothing is deleted, because a site must not become open when the bucket is empty. With --delete, a file that
this program installed is deleted when it is not published any more. Use --delete for a stack with OnDelete=remove.

Without --queue it compares the whole bucket with the web root once, and ends. With --queue it keeps running: it waits for
messages in the queue of this server, which the template infra/web-server.yaml makes, and installs within seconds what they
name. It still compares everything when it starts and once a day. Each server needs a queue of its own.

The folders below WEB_ROOT belong to customers who may be hostile, so every access follows these rules:

- A folder is opened relative to its parent, and symbolic links are never followed.
- A file is written under a name that nobody can guess, gets its owner and mode through its descriptor, and is then
  renamed. Apache never reads an incomplete file.
- Present files are read through a descriptor, without blocking, and only up to the size of the published file.
- A separate process works on the sites, one after the other. If one of them takes too long, that process is abandoned
  and another one continues with the next site. A failure of one site is reported at the end, and all others are served.

Exit statuses: 0 if everything is in place (or another run is in progress), 1 if something failed, 2 for wrong usage. With
--queue: 0 after SIGTERM or SIGINT, 1 if it could not start or took more than an hour without an end.
SIGTERM ends a run after the present file. Needs Python 3.9 or newer and the aws client, with a role or keys that have
the SiteReaderPolicy of the stack, or with --queue the policy of infra/web-server.yaml.
"""

from __future__ import annotations

import argparse
import os
import shutil
from typing import List

from bucket import Bucket
from client import Client
from comparison import compare
from follower import Follower
from report import Fatal, Report, shown
from server_queue import Queue
from signals import Signals
from staging import State, enter_staging
from web_root import opened


def run(parsed: argparse.Namespace, report: Report) -> int:
    """Checks the arguments, and runs a comparison or the service. Returns the exit status."""
    if not shutil.which("aws"):
        raise Fatal("there is no aws client in PATH: install it (Debian: apt-get install awscli)")
    web_root = os.path.abspath(parsed.root)
    web, staging = os.path.realpath(parsed.root), os.path.realpath(parsed.staging)
    if os.path.commonpath([web, staging]) == web:
        raise Fatal(f"the staging folder {shown(parsed.staging)} is in the web root: choose a folder outside the web root")
    lock = enter_staging(parsed.staging)
    if lock < 0:
        if parsed.queue:
            raise Fatal(f"another run uses the staging folder {shown(parsed.staging)}: stop it, and htaccess-sync.timer")
        return report.print()
    client = Client(lock, Signals())
    bucket = Bucket(parsed.bucket, client)
    state = State.load(bucket.name, report)
    if parsed.queue:
        return Follower(bucket, Queue(parsed.queue, client), web_root, state, parsed.delete).run(report)
    with opened(web_root) as root:
        compare(bucket, root, state, parsed.delete, report)
    return report.print()


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="htaccess-sync", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--delete", action="store_true", help="delete installed files that are no longer published")
    parser.add_argument("--queue", metavar="URL", help="keep running, and install the files that the messages of this queue name")
    parser.add_argument("bucket", metavar="BUCKET", help="the stack's output SiteBucket")
    parser.add_argument("staging", metavar="STAGING", help="a folder that only this program uses")
    parser.add_argument("root", metavar="WEB_ROOT", help="the folder that contains the folders of the sites")
    parsed = parser.parse_args(arguments)
    if parsed.queue is not None and not parsed.queue.startswith(("https://", "http://")):
        parser.error(f"--queue is {shown(parsed.queue)}: expected the URL of a queue")
    report = Report()
    try:
        return run(parsed, report)
    except (Fatal, OSError) as err:
        report.fail(str(err))
        return report.print()
