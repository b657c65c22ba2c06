"""Downloads the published .htaccess files and installs them in the web root.

    htaccess-sync [--delete] BUCKET STAGING WEB_ROOT

STAGING is a folder that only this program uses, outside of the web root. It belongs to the user who runs the program,
and the program gives it mode 0700. Files that did not change are not touched. Files of sites that this server does not
have are skipped: their folder does not exist below WEB_ROOT.

By default nothing is deleted, because a site must not become open when the bucket is empty. With --delete, a file that
this program installed is deleted when it is not published any more. Use --delete for a stack with OnDelete=remove.

The folders below WEB_ROOT belong to customers who may be hostile, so every access follows these rules:

- A folder is opened relative to its parent, and symbolic links are never followed.
- A file is written under a name that nobody can guess, gets its owner and mode through its descriptor, and is then
  renamed. Apache never reads an incomplete file.
- Present files are read through a descriptor, without blocking, and only up to the size of the published file.
- A separate process works on the sites, one after the other. If one of them takes too long, that process is abandoned
  and another one continues with the next site. A failure of one site is reported at the end, and all others are served.

Exit statuses: 0 if everything is in place (or another run is in progress), 1 if something failed, 2 for wrong usage.
SIGTERM ends a run after the present file. Needs Python 3.9 or newer and the aws client, with a role or keys that have
the SiteReaderPolicy of the stack.
"""

from __future__ import annotations

import argparse
import os
import shutil
from typing import List

from bucket import Bucket, refresh
from keys import NAME, refusal
from report import Fatal, Report, reason, shown
from signals import Signals
from staging import State, enter_staging
from worker import outcomes


def sync(bucket: Bucket, root: int, deletes: bool, report: Report) -> None:
    state = State.load(bucket.name, report)
    objects = bucket.objects()
    published = {}
    for key, version in objects.items():
        problem = refusal(key, objects.keys())
        if problem:
            report.fail(f"{shown(key)}: refused: {problem}")
        elif key.rpartition("/")[2] == NAME:
            published[key] = version
    jobs = [("install", key) for key in sorted(refresh(state, published, bucket, report))]
    if deletes:
        jobs += [("remove", key) for key in sorted(state.installed - objects.keys())]
    done = 0
    for (action, key), (result, sentence) in outcomes(root, jobs, bucket.lock, bucket.signals):
        done += 1
        if result == "failed":
            report.fail(f"{shown(key)}: {sentence}")
        elif sentence:
            report.notice(f"{shown(key)}: {sentence}")
        if result in ("same", "installed"):
            state.installed.add(key)
        elif action == "remove" and result != "failed":
            state.installed.discard(key)
    state.save()
    if bucket.signals.reason:
        report.fail(f"{bucket.signals.reason}, when {done} of {len(jobs)} files were done")


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="htaccess-sync", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--delete", action="store_true", help="delete installed files that are not published any more")
    parser.add_argument("bucket", metavar="BUCKET", help="the stack's output SiteBucket")
    parser.add_argument("staging", metavar="STAGING", help="a folder that only this program uses")
    parser.add_argument("root", metavar="WEB_ROOT", help="the folder that has the folders of the sites")
    parsed = parser.parse_args(arguments)
    report = Report()
    try:
        if not shutil.which("aws"):
            raise Fatal("there is no aws client in PATH: install it (Debian: apt-get install awscli)")
        try:
            root = os.open(parsed.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as err:
            raise Fatal(f"the web root {shown(parsed.root)} cannot be opened: {reason(err)}") from err
        web, staging = os.path.realpath(parsed.root), os.path.realpath(parsed.staging)
        if os.path.commonpath([web, staging]) == web:
            raise Fatal(f"the staging folder {shown(parsed.staging)} is in the web root: choose one outside of it")
        lock = enter_staging(parsed.staging)
        if lock >= 0:
            sync(Bucket(parsed.bucket, lock, Signals()), root, parsed.delete, report)
    except (Fatal, OSError) as err:
        report.fail(str(err))
    return report.print()
