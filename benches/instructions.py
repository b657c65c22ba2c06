#!/usr/bin/env python3
"""Counts the instructions that the command line executes per row: `make bench-instructions`.

Valgrind counts them (cachegrind without its caches). Unlike times, the counts of a busy machine can be compared: two
runs agree within 0.1 %. The counts are compared with benches/instructions.json, which --update rewrites. The count
depends on the compiler and on the features of the processor, so compare only counts of one machine.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Iterable, Iterator

import measure
from measure import Problem, say

BASELINE = measure.ROOT / "benches" / "instructions.json"
SEED = 20
AGREEMENT_PERCENT = 0.1


def main() -> int:
    """Counts the instructions, compares the counts with the baseline, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="make the counts the baseline")
    parser.add_argument("--fail-over", type=float, metavar="PERCENT", help="exit with 1 if a count grew by more")
    parser.add_argument("--check", action="store_true", help=f"count twice; they must agree within {AGREEMENT_PERCENT} %%")
    parser.add_argument("--markdown", action="store_true", help="put the table into docs/benchmarks.md")
    parser.add_argument("--only", choices=INPUTS, action="append", help="only this input; may be repeated")
    options = parser.parse_args()
    measure.install_packages(["valgrind"])
    measure.build_cli()
    baseline = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.exists() else {}
    found = {}
    with tempfile.TemporaryDirectory(prefix="htaccess-bench-") as folder:
        for name in options.only or INPUTS:
            say(f"{name} ...")
            found[name] = _count(name, Path(folder), options.check)
    rows = [_row(name, one, baseline.get(name)) for name, one in found.items()]
    headings = ["input", "rows", "instructions", "per row", "baseline", "ratio"]
    print(measure.text_table(headings, rows))
    if options.markdown:
        measure.put_into_document("instructions", measure.markdown_table(headings, rows))
    if options.update:
        BASELINE.write_text(json.dumps(baseline | found, indent=1) + "\n", encoding="utf-8")
    if options.fail_over is None:
        return 0
    limit = 1 + options.fail_over / 100
    over = [name for name in found if name in baseline and found[name] > baseline[name] * limit]
    for name in over:
        print(f"{name}: more than {options.fail_over:g} % over the baseline", file=sys.stderr)
    return 1 if over else 0


def _ipv4(count: int) -> Iterator[str]:
    yield from measure.random_addresses(count, SEED)


def _runs(count: int) -> Iterator[str]:
    yield from measure.addresses_in_runs(count, SEED)


def _ipv6(count: int) -> Iterator[str]:
    source = random.Random(SEED)
    for _ in range(count):
        groups = [source.getrandbits(16) for _ in range(3)]
        yield "2001:db8:{:x}::{:x}:{:x}".format(*groups)


def _networks(count: int) -> Iterator[str]:
    for number, address in enumerate(measure.random_addresses(count, SEED)):
        network = f"{address.rpartition('.')[0]}.0"
        yield network + ("/24" if number % 2 else "/255.255.255.0")


def _no_addresses(count: int) -> Iterator[str]:
    # One row is accepted, because a file without any rule is refused.
    yield "192.0.2.1"
    for address in measure.random_addresses(count - 1, SEED):
        yield f"{address}.1"


def _write_quoted_csv(path: Path, addresses: Iterable[str]) -> None:
    measure.write_csv(path, addresses)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("".join('"{}"\n'.format(line.replace(",", '","')) for line in lines), encoding="utf-8")


Input = tuple[int, Callable[[int], Iterator[str]], Callable[[Path, Iterable[str]], None]]

# By name: the number of rows, the function that generates addresses, and the function that writes the CSV. The first
# input shows the fixed cost of every run.
INPUTS: dict[str, Input] = {
    "one row": (1, _ipv4, measure.write_csv),
    "5,000 rows": (5_000, _ipv4, measure.write_csv),
    "100,000 rows": (100_000, _ipv4, measure.write_csv),
    "100,000 rows in runs": (100_000, _runs, measure.write_csv),
    "100,000 networks": (100_000, _networks, measure.write_csv),
    "100,000 rows of IPv6": (100_000, _ipv6, measure.write_csv),
    "100,000 quoted rows": (100_000, _ipv4, _write_quoted_csv),
    "100,000 rejected rows": (100_000, _no_addresses, measure.write_csv),
    "100,000 rows with dates": (100_000, _ipv4, measure.write_dated_csv),
}


def _count(name: str, folder: Path, is_checked: bool) -> int:
    rows, addresses, write = INPUTS[name]
    upload = folder / "upload.csv"
    write(upload, addresses(rows))
    first = _instructions(upload)
    if is_checked:
        second = _instructions(upload)
        if abs(second - first) > first * AGREEMENT_PERCENT / 100:
            raise Problem(f"{name}: {first:,} instructions, then {second:,}: that is not within {AGREEMENT_PERCENT} %")
    return first


def _instructions(upload: Path) -> int:
    # The environment is always the same, because programs read it when they start, which takes instructions.
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    command += [str(measure.CLI), "render", "--jobs", "1", upload.name]
    done = subprocess.run(
        command, cwd=upload.parent, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if done.returncode != 0 or not found:
        raise Problem(f"{' '.join(command)}: failed with status {done.returncode}\n{done.stderr[-800:]}")
    return int(found[1].replace(",", ""))


def _row(name: str, count: int, baseline: int | None) -> list[str]:
    rows = INPUTS[name][0]
    ratio = f"{count / baseline:.3f}" if baseline else ""
    return [name, f"{rows:,}", f"{count:,}", f"{count / rows:,.0f}", f"{baseline:,}" if baseline else "", ratio]


if __name__ == "__main__":
    measure.run_main(main)
