#!/usr/bin/env python3
"""Computes the cost of uploads on AWS from measured milliseconds and public prices: `make bench-cost`.

The model: an invocation waits for S3 (two round trips) and works. Work is measured on a whole core. A function of M MB
has M / 1,769 of a core (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html), so with less memory
its work takes longer. The milliseconds of a cold start are billed like any other, and for custom runtimes this has
always been so (https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase). The time of each
invocation is rounded up to a millisecond. The free tier, discounts, and the PUT of the upload itself are not included.

Prices are those of us-east-1 in dollars: https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/s3/pricing/,
https://aws.amazon.com/cloudwatch/pricing/.
"""

import argparse
import json
import math
import statistics
from dataclasses import dataclass
from pathlib import Path

import measure

GB_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
REQUEST = 0.20 / 1e6
S3_PUT = 0.005 / 1000
S3_GET_OR_HEAD = 0.0004 / 1000
LOG_GB = 0.50

MEMORY_MB = (128, 256, 512, 1024, 1769)
FULL_CORE_MB = 1769
# The requests for a new upload: a GET for the upload, and a HEAD and a PUT each for the output and the report.
READS, WRITES = 3, 2

# https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html and .../lambda-concurrency.html: an environment
# handles at most 10 requests a second. An account has 1,000 environments unless its quota is raised. A function gets at
# most 1,000 new environments in 10 s, so it reaches the default quota within the first 10 s, and no environments are
# added after that.
CONCURRENCY = 1000
REQUESTS_PER_ENVIRONMENT = 10
# The limit for each prefix: https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
S3_PUTS_PER_SECOND = 3500


@dataclass(frozen=True)
class Work:
    """The work of an invocation: times on a whole core, the share of cold starts, and the size of the logs."""

    warm_ms: float
    start_ms: float
    wait_ms: float
    cold_share: float
    log_bytes: float

    def invocation_ms(self, memory_mb: int) -> int:
        """Returns the billed time of a warm invocation."""
        return math.ceil(self.wait_ms + self.warm_ms * slowness(memory_mb))

    def billed_ms(self, memory_mb: int) -> float:
        """Returns the mean billed time of warm invocations and cold starts."""
        return self.invocation_ms(memory_mb) + self.cold_share * math.ceil(self.start_ms * slowness(memory_mb))


def slowness(memory_mb: int) -> float:
    """Returns the factor by which work takes longer than on a whole core. The function does not use more than one core."""
    return max(1.0, FULL_CORE_MB / memory_mb)


def main() -> int:
    """Prints the cost by memory and the cost by number of uploads a day."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measured", type=Path, metavar="FILE", help="what bench-cold wrote by --json; else the rest counts")
    parser.add_argument("--warm-ms", type=float, default=5, help="work of a warm invocation (%(default)s)")
    parser.add_argument("--start-ms", type=float, default=10, help="what a cold start adds (%(default)s)")
    parser.add_argument("--log-bytes", type=float, default=1000, help="logged by an invocation (%(default)s)")
    parser.add_argument("--wait-ms", type=float, default=60, help="for S3: two round trips of 30 ms (%(default)s)")
    parser.add_argument("--cold-percent", type=float, default=1, help="invocations that are cold starts (%(default)s)")
    parser.add_argument("--memory", type=int, choices=MEMORY_MB, default=256, help="of the second table (%(default)s MB)")
    parser.add_argument("--markdown", action="store_true", help="put the tables into docs/benchmarks.md")
    options = parser.parse_args()
    work = _work(options)
    given = (
        f"With {work.warm_ms:.2f} ms of work for an upload, {work.start_ms:.2f} ms more for a cold start, {work.wait_ms:g} ms "
        f"of waiting for S3, {work.cold_share:.1%} cold starts, {work.log_bytes:.0f} bytes logged"
    )
    print(f"{given}\n")
    tables = {
        "cost-million": (given, *_by_memory(work)),
        "cost-sites": (f"The same with {options.memory} MB", *_by_sites(work, options.memory)),
    }
    for name, (title, headings, rows) in tables.items():
        print(measure.text_table(headings, rows) + "\n")
        if options.markdown:
            measure.put_into_document(name, f"{title}:\n\n{measure.markdown_table(headings, rows)}")
    return 0


def _work(options: argparse.Namespace) -> Work:
    warm_ms, start_ms, log_bytes = options.warm_ms, options.start_ms, options.log_bytes
    if options.measured:
        samples = json.loads(options.measured.read_text(encoding="utf-8"))["samples"]
        warm, cold = samples["warm"]["ours"], samples["cold"]["ours"]
        round_trips_ms = 2 * 30
        warm_ms = statistics.median(warm["new_ms"]) - round_trips_ms
        # The first invocation takes longer than a warm one. The difference is part of the cold start.
        start_ms = max(0.0, statistics.median(cold["exec_to_first_answer_ms"]) - warm_ms)
        # 600 bytes for the JSON lines that Lambda itself logs: platform.start and platform.report.
        log_bytes = warm["log_bytes_per_invocation"][0] + 600
    return Work(warm_ms, start_ms, options.wait_ms, options.cold_percent / 100, log_bytes)


def _lambda_cost(work: Work, memory_mb: int, architecture: str) -> float:
    return work.billed_ms(memory_mb) / 1000 * memory_mb / 1024 * GB_SECOND[architecture] + REQUEST


def _others(work: Work) -> float:
    return READS * S3_GET_OR_HEAD + WRITES * S3_PUT + work.log_bytes / 1e9 * LOG_GB


def _by_memory(work: Work) -> tuple[list[str], list[list[str]]]:
    headings = ["memory", "billed, warm", "Lambda x86_64", "Lambda arm64", "S3 reads", "S3 writes", "logs", "all, arm64"]
    rows = []
    for memory_mb in MEMORY_MB:
        costs = [_lambda_cost(work, memory_mb, architecture) for architecture in GB_SECOND]
        costs += [READS * S3_GET_OR_HEAD, WRITES * S3_PUT, work.log_bytes / 1e9 * LOG_GB]
        costs.append(_lambda_cost(work, memory_mb, "arm64") + _others(work))
        billed = f"{work.invocation_ms(memory_mb)} ms"
        rows.append([f"{memory_mb} MB", billed, *(f"${cost * 1e6:.2f}" for cost in costs)])
    headings[2:] = [f"{heading}, per million" for heading in headings[2:]]
    return headings, rows


def _by_sites(work: Work, memory_mb: int) -> tuple[list[str], list[list[str]]]:
    headings = ["uploads a day", "30 days, arm64", "all at once take", "limited by"]
    cost = _lambda_cost(work, memory_mb, "arm64") + _others(work)
    limits = {
        "the invocations' own length": CONCURRENCY * 1000 / work.invocation_ms(memory_mb),
        f"Lambda: {REQUESTS_PER_ENVIRONMENT} requests/s for each of {CONCURRENCY:,} environments":
            CONCURRENCY * REQUESTS_PER_ENVIRONMENT,
        f"S3: {S3_PUTS_PER_SECOND:,} PUT/s under one prefix": S3_PUTS_PER_SECOND,
    }
    slowest = min(limits, key=lambda name: limits[name])
    rows = []
    for sites in (1, 1000, 1_000_000):
        least_s = (work.invocation_ms(memory_mb) + work.start_ms * slowness(memory_mb)) / 1000
        fits = sites <= CONCURRENCY
        seconds = least_s if fits else max(least_s, sites / limits[slowest])
        monthly = sites * 30 * cost
        amount = f"${monthly:,.2f}" if monthly >= 0.01 else f"${monthly:.5f}"
        rows.append([f"{sites:,}", amount, f"{seconds:,.2f} s", "one cold start" if fits else slowest])
    return headings, rows


if __name__ == "__main__":
    measure.run_main(main)
