#!/usr/bin/env python3
"""Measures the function's start and its invocations over the Runtime API protocol: `make bench-cold`.

benches/harness provides the Runtime API and S3 on this machine, starts the functions and takes the times. Our function
is compared with:

    noop      a function that does nothing, on the same runtime
    floor     a function that only makes the same requests, without a runtime or SDK: the cost of the harness itself
    Python    the job of the original with awslambdaric, boto3 and Jinja2
    hold      ours with HOLD_ABOVE, for a changed upload that is not held
"""

import io
import json
import os
import statistics
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import measure
from measure import Problem, Row, Samples, milliseconds, say

HARNESS = measure.ROOT / "benches" / "harness"
PROGRAMS = measure.ROOT / "target" / "harness" / "release"
PEERS = measure.ROOT / "benches" / "peers"
S3_DELAY_MS = 30
NEXT, ANSWER = "exec_to_first_next_ms", "exec_to_first_answer_ms"
STEPS = {
    NEXT: "exec → first `next`",
    "step_1_event_to_first_read_ms": "event → first read arrives at S3 (event, client, connection)",
    "step_2_reads_ms": "first read arrives → last read answered",
    "step_3_last_read_to_first_write_ms": "last read answered → first write arrives (parse, decide, render, report)",
    "step_4_writes_ms": "first write arrives → last write answered",
    "step_5_last_write_to_answer_ms": "last write answered → answer",
}

Measured = dict[str, Samples]


def main() -> int:
    """Builds the programs, measures them, and prints the tables."""
    parser = measure.parser(__doc__)
    parser.add_argument("--rounds", type=int, help="starts and invocations of each contender (40)")
    parser.add_argument("--rows", type=int, default=5000, help="of the upload")
    parser.add_argument(
        "--tls", choices=["alone", "bundle"],
        help="S3 speaks TLS; the function trusts its authority alone, or beside the bundle of this machine",
    )
    parser.add_argument("--function", type=Path, default=None, help="measure this binary in place of a build of this tree")
    parser.add_argument("--strace", type=Path, metavar="FILE", help="only trace the system calls of one start into FILE")
    options = parser.parse_args()
    rounds = options.rounds or (2 if options.quick else 40)
    build_harness()
    function = options.function or measure.FUNCTION
    if not options.function:
        measure.build("function", "bootstrap")
    with tempfile.TemporaryDirectory(prefix="htaccess-bench-") as folder:
        upload = Path(folder) / "upload.csv"
        measure.write_csv(upload, measure.random_addresses(options.rows, 20))
        plan = {"csv": str(upload), "tls": options.tls}
        ours = {"name": "ours", "command": [str(function.resolve())]} | OURS
        if options.strace:
            return _trace(ours, plan, options.strace)
        contenders = [ours, NOOP, _python(), *([] if options.tls else [FLOOR])]
        say(f"cold starts, {rounds} of each ...")
        cold = run_harness(plan | {"scenario": "cold", "rounds": rounds, "s3_delay_ms": 0, "functions": contenders})
        say(f"warm invocations, {rounds} of each, {S3_DELAY_MS} ms for each call of S3 ...")
        changed = {"changed_contains": '"change":{"gained":{"networks":1'}
        hold = ours | changed | {"name": "hold", "environment": {"HOLD_ABOVE": "30"}}
        contenders = [ours | changed, hold, *(one for one in contenders if one not in (ours, NOOP))]
        warm = run_harness(
            plan | {"scenario": "warm", "rounds": rounds, "s3_delay_ms": S3_DELAY_MS, "functions": contenders}
        )
    rows = [*_cold_rows(cold), *_warm_rows(warm), _size_row(function)]
    name = f"cold-tls-{options.tls}" if options.tls else "cold"
    status = measure.publish(name, rows, {"cold": cold, "warm": warm}, options)
    _tell_steps(name, cold, warm, options.markdown)
    return status


NOOP: dict[str, Any] = {
    "name": "noop",
    "command": [str(PROGRAMS / "noop")],
    "environment": {},
    "answer_contains": "{}",
    "duplicate_contains": "{}",
}
FLOOR: dict[str, Any] = {
    "name": "floor",
    "command": [str(PROGRAMS / "floor")],
    "environment": {},
    "answer_contains": "written",
    "duplicate_contains": "unchanged",
}
OURS: dict[str, Any] = {
    "environment": {},
    "answer_contains": '"status":"written"',
    "duplicate_contains": '"status":"unchanged"',
}


def _python() -> dict[str, Any]:
    return {
        "name": "Python",
        "command": [measure.bench_python(), "-m", "awslambdaric", "lambda_function.handler"],
        "environment": {"PYTHONPATH": str(PEERS), "LAMBDA_TASK_ROOT": str(PEERS)},
        "answer_contains": "written",
        "duplicate_contains": "written",
    }


def build_harness() -> None:
    """Builds the harness with the two functions `noop` and `floor`."""
    command = ["cargo", "build", "--locked", "--release", "--quiet", "--manifest-path", str(HARNESS / "Cargo.toml")]
    env = os.environ | {"CARGO_TARGET_DIR": str(PROGRAMS.parent)}
    say(f"{' '.join(command)} (the first one takes a minute) ...")
    subprocess.run(command, cwd=measure.ROOT, env=env, check=True)


def run_harness(plan: dict[str, Any]) -> Measured:
    """Runs the harness. Returns the samples of all rounds, by function and by measurement."""
    done = subprocess.run([PROGRAMS / "harness"], input=json.dumps(plan), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Problem("the harness failed", "what it says stands above")
    return json.loads(done.stdout)


def _trace(ours: dict[str, Any], plan: dict[str, Any], output: Path) -> int:
    """Traces the system calls of one start. Tracing makes every call slower, so the times are not comparable."""
    measure.install_packages(["strace"])
    tracer = ["strace", "--follow-forks", "--relative-timestamps=us", "--output", str(output.resolve())]
    ours["command"] = [*tracer, *ours["command"]]
    run_harness(plan | {"scenario": "cold", "rounds": 1, "s3_delay_ms": 0, "functions": [ours]})
    calls = output.read_text(encoding="utf-8", errors="replace").splitlines()
    say(f"{output}: {len(calls)} system calls")
    return 0


def _cold_rows(cold: Measured) -> list[Row]:
    ours, noop, python = cold["ours"], cold["noop"], cold["Python"]

    def row(what: str, name: str, other: Samples, by: str, figure: float, *limits: Any) -> Row:
        return Row(what, milliseconds(ours[by]), f"{name}: {milliseconds(other[by])}", figure, *limits)

    def median(samples: Samples, by: str) -> float:
        return statistics.median(samples[by])

    answer, start = "exec → first answer", "exec → first `next`"
    beyond = median(ours, ANSWER) - median(noop, ANSWER)
    rows = [
        row(answer, "noop", noop, ANSWER, beyond, "ms more", "less", 10, 6),
        row(answer, "Python", python, ANSWER, median(python, ANSWER) / median(ours, ANSWER), "x", "more", 30, 50),
        row(start, "noop", noop, NEXT, median(ours, NEXT) / median(noop, NEXT), "x", "less", 2.0, 1.4),
    ]
    if "floor" in cold:
        floor = median(ours, ANSWER) - median(cold["floor"], ANSWER)
        rows.append(row(answer, "floor", cold["floor"], ANSWER, floor, "ms more", "less"))
    memory = max(ours["memory_mib"])
    theirs = f"noop: {max(noop['memory_mib']):.1f} MiB, Python: {max(python['memory_mib']):.1f} MiB"
    return [*rows, Row("peak memory of the function", f"{memory:.1f} MiB", theirs, memory, "MiB", "less")]


def _warm_rows(warm: Measured) -> list[Row]:
    rows = []
    for what, by, trips, bar, aim in (("new upload", "new_ms", 2, 8, 3), ("duplicate event", "duplicate_ms", 1, 6, 2)):
        samples = warm["ours"][by]
        least = trips * S3_DELAY_MS
        figure = statistics.median(samples) - least
        others = [f"{name}: {milliseconds(warm[name][by])}" for name in ("floor", "Python") if name in warm]
        held = f"{least} ms of S3; {', '.join(others)}"
        rows.append(Row(f"warm, {what}", milliseconds(samples), held, figure, "ms more", "less", bar, aim))
    # With HOLD_ABOVE, the function reads the previous version before it writes the output.
    for what, name in (("changed upload, output written", "ours"), ("the same with HOLD_ABOVE", "hold")):
        samples = warm[name]["changed_output_ms"]
        figure = statistics.median(samples) - 2 * S3_DELAY_MS
        answer = f"{2 * S3_DELAY_MS} ms of S3; answer after {milliseconds(warm[name]['changed_ms'])}"
        bar = 8 if name == "ours" else 8 + S3_DELAY_MS
        rows.append(Row(f"warm, {what}", milliseconds(samples), answer, figure, "ms more", "less", bar))
    return rows


def _size_row(function: Path) -> Row:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(function, "bootstrap")
    size_mb, plain_mb = len(packed.getvalue()) / 1e6, function.stat().st_size / 1e6
    return Row("zip of the function", f"{size_mb:.2f} MB", f"unzipped: {plain_mb:.2f} MB", size_mb, "MB", "less", 5, 2.5)


def _tell_steps(name: str, cold: Measured, warm: Measured, is_for_document: bool) -> None:
    names = [one for one in cold if one != "noop"]  # `hold` is left out, because it has the same steps.
    headings = ["step", *(f"cold, {one}" for one in names), *(f"warm, {one}" for one in names)]
    columns = [cold[one] for one in names] + [warm[one] for one in names]
    rows = [
        [what, *(f"{statistics.median(column[by]):.2f} ms" if by in column else "" for column in columns)]
        for by, what in STEPS.items()
    ]
    print("\n" + measure.text_table(headings, rows))
    if is_for_document:
        measure.put_into_document(f"{name}-steps", measure.markdown_table(headings, rows))


if __name__ == "__main__":
    measure.run_main(main)
