#!/usr/bin/env python3
"""Measures uploads that were made to take long: `make bench-pathological`. Runs benches/pathological.rs, which fails if
an upload takes more than 50 ns of processor time for each byte, and makes a table of the slowest."""

import argparse
import subprocess

import measure

HEADINGS = ["upload", "result", "bytes read and written", "ns per byte", "ms"]
SHOWN = 20


def main() -> int:
    """Runs the benchmark and prints its table, with the slowest upload first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filter", nargs="?", default="", help="only the uploads with this in their names")
    parser.add_argument("--markdown", action="store_true", help=f"put the {SHOWN} slowest into docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true", help="take short uploads, whose times have no meaning")
    options = parser.parse_args()
    command = ["cargo", "bench", "--locked", "--no-default-features", "--bench", "pathological"]
    command += ["--config", 'build.rustflags=["--cfg", "without_function"]', "--"]
    command += ["--quick"] if options.quick else []
    ran = subprocess.run(
        [*command, *filter(None, [options.filter])], cwd=measure.ROOT, stdout=subprocess.PIPE, text=True
    )
    rows = sorted((line.split("\t") for line in ran.stdout.splitlines() if "\t" in line), key=_ns, reverse=True)
    print(measure.text_table(HEADINGS, rows))
    if options.markdown and ran.returncode == 0:
        shown = [[name, result, f"{int(size):,}", ns, ms] for name, result, size, ns, ms in rows[:SHOWN]]
        measure.put_into_document("pathological", measure.markdown_table(HEADINGS, shown))
    return ran.returncode


def _ns(row: list[str]) -> float:
    return float(row[3])


if __name__ == "__main__":
    measure.run_main(main)
