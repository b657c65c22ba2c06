#!/usr/bin/env python3
"""Measures each stage between upload and output: `make bench-stages`. Runs benches/stages.rs and makes a table of the
results."""

import argparse
import json
import subprocess
from pathlib import Path

import measure

RESULTS = measure.ROOT / "target" / "criterion"


def main() -> int:
    """Runs Criterion, whose own output shows the changes since the last run, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filter", nargs="?", default="", help="only the benches with this in their names")
    parser.add_argument("--markdown", action="store_true", help="put the table into docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true", help="run each once, measure nothing")
    options = parser.parse_args()
    command = ["cargo", "bench", "--locked", "--no-default-features", "--bench", "stages"]
    command += ["--config", 'build.rustflags=["--cfg", "without_function"]', "--"]
    command += ["--test"] if options.quick else ["--noplot"]
    subprocess.run([*command, *filter(None, [options.filter])], cwd=measure.ROOT, check=True)
    if options.quick:
        return 0
    rows = [row for row in map(_row, sorted(RESULTS.glob("**/new/benchmark.json"))) if options.filter in row[0]]
    headings = ["stage", "median", "throughput"]
    print(measure.text_table(headings, rows))
    if options.markdown:
        measure.put_into_document("stages", measure.markdown_table(headings, rows))
    return 0


def _row(path: Path) -> list[str]:
    benchmark = json.loads(path.read_text(encoding="utf-8"))
    estimates = json.loads(path.with_name("estimates.json").read_text(encoding="utf-8"))
    nanoseconds = estimates["median"]["point_estimate"]
    throughput = benchmark.get("throughput")
    rate = f"{throughput['Bytes'] / nanoseconds * 1e3:,.0f} MB/s" if throughput else ""
    return [benchmark["full_id"], _time(nanoseconds), rate]


def _time(nanoseconds: float) -> str:
    for limit, unit in ((1e3, "ns"), (1e6, "µs"), (1e9, "ms")):
        if nanoseconds < limit:
            return f"{nanoseconds / limit * 1e3:.3g} {unit}"
    return f"{nanoseconds / 1e9:.3g} s"


if __name__ == "__main__":
    measure.run_main(main)
