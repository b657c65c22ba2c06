"""Compares the whole bucket with the web root, and installs and removes files."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Set

from bucket import Bucket, refresh
from keys import NAME, refusal
from report import Report, shown
from staging import State
from worker import Job, outcomes


class Compared(NamedTuple):
    """The result for each processed file, and the keys of the files that could not be fetched."""

    results: Dict[Job, str]
    missing: Set[str]


def compare(bucket: Bucket, root: int, state: State, deletes: bool, report: Report) -> Compared:
    """Installs every published file, and with `--delete` removes files that are no longer published."""
    objects = bucket.objects()
    published = {}
    for key, version in objects.items():
        problem = refusal(key, objects.keys())
        if problem:
            report.fail(f"{shown(key)}: refused: {problem}")
        elif key.rpartition("/")[2] == NAME:
            published[key] = version
    current = refresh(state, published, bucket, report)
    jobs = [("install", key) for key in sorted(current)]
    if deletes:
        jobs += [("remove", key) for key in sorted(state.installed - objects.keys())]
    return Compared(carry_out(jobs, root, bucket, state, report), published.keys() - current)


def carry_out(jobs: List[Job], root: int, bucket: Bucket, state: State, report: Report) -> Dict[Job, str]:
    """Does the jobs, and records which files are installed. Returns the result of each job that was done."""
    results = {}
    for job, (result, sentence) in outcomes(root, jobs, bucket.client.lock, bucket.signals):
        action, key = job
        results[job] = result
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
        report.fail(f"{bucket.signals.reason} after {len(results)} of {len(jobs)} files")
    return results
