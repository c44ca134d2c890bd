"""Damaged files, thousands of them: nothing but the tap's own errors may come of one, soon and in little memory.

`python benchmarks/fuzz.py --seconds 600` takes the files of `tests/data`, damages their bytes, or those of what is
packed in them, and reads all that comes out by every rule for bad rows. Every third batch is of hostile HTTP answers
and of texts made to be slow (`fuzz_answers.py`). Each batch runs in a process of its own with little memory, so that a
crash of the workbook reader is seen, too; a failure names the seed that makes it again.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

from fuzz_answers import SLOWEST_DOUBLING, fuzz_calls, fuzz_texts

from tap_flipkart_reports.commands.inspect import inspect_file
from tap_flipkart_reports.exceptions import FlipkartReportsError
from tap_flipkart_reports.files.header_match import match_header
from tap_flipkart_reports.files.header_search import open_report
from tap_flipkart_reports.files.row_filter import RowCounts
from tap_flipkart_reports.files.row_keys import row_identity
from tap_flipkart_reports.files.row_rules import RowRules
from tap_flipkart_reports.files.rows import read_rows
from tap_flipkart_reports.report_types import REPORT_TYPES, TABLES, tables_of

DATA = Path(__file__).parent.parent / "tests" / "data"
LARGE = 20_000
SEEDS = sorted(path for path in DATA.iterdir() if path.suffix not in {".json", ".py"} and path.stat().st_size < LARGE)
REPORTS = sorted({*REPORT_TYPES, *TABLES})
OWN = {path: json.loads(path.with_name(f"{path.name}.expected.json").read_text())["report"] for path in SEEDS}
"""The report type that a file is of."""
MEMORY = 2 * 2**30
"""Bytes of address space that a batch may take."""

BATCH = 400
SLOW = 10
"""Seconds after which a file counts as hanging."""

SCRAPS = [
    *(b",", b"\t", b";", b"|", b'"', b"\r\n", b"\n", b"\r", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"=", b"'"),
    *(b"-", b"(", b"NA", b"1E+05", b"4.37E+17", b"46253.99999", b"99999", b"2026-02-30", b"31/12/9999"),
    *(b"0001-01-01", b"+05:30", b"Total", b"GSTIN", b"order_item_id", b"NEFT ID", b"9" * 400, b"\xe2\x82\xb9"),
    *(b"\xcc\x81", b"<html>", b"{}", b"[]", b'<c r="A1">', b"</c>", b"<f>A1</f>", b't="e"', b't="s"'),
    *(b"XFD1048576", b'<row r="9"/>', b"&#0;", b"PK\x03\x04"),
]


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The bytes with some of them changed, gone, twice or in another place."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        start = chance.randrange(len(data) + 1)
        length = min(chance.choice((1, 1, 2, 8, 64, 512)), len(data) - start)
        match chance.randrange(6):
            case 0:
                data[start : start + length] = chance.randbytes(length)
            case 1:
                del data[start : start + length]
            case 2:
                data[start:start] = data[start : start + length] * chance.choice((1, 2, 50))
            case 3:
                data[start:start] = chance.choice(SCRAPS) * chance.choice((1, 1, 3, 100))
            case 4:
                data[start : start + length] = chance.choice(SCRAPS)
            case _:
                end = chance.randrange(len(data) + 1)
                data[start:start] = data[end : end + length]
    return bytes(data[: chance.randrange(len(data) + 1)] if chance.random() < 0.05 else data)  # noqa: PLR2004 - one in twenty


def repacked(content: bytes, chance: random.Random) -> bytes:
    """The same, damaged in what is packed in it more often than in the packing, which a checksum guards."""
    if chance.random() < 0.2:  # noqa: PLR2004 - one in five
        return damaged(content, chance)
    if content.startswith(b"\x1f\x8b") and _unpacks(content):
        return (
            gzip.compress(repacked(gzip.decompress(content), chance), 1)
            if _unpacks(content)
            else damaged(content, chance)
        )
    if not content.startswith(b"PK\x03\x04") or not zipfile.is_zipfile(io.BytesIO(content)):
        return damaged(content, chance)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    victim = chance.choice(list(parts))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, repacked(part, chance) if name == victim else part)
    return buffer.getvalue()


def _unpacks(content: bytes) -> bool:
    try:
        return len(gzip.decompress(content)) < 2**20
    except (OSError, EOFError):
        return False


def read(path: Path, own: str, chance: random.Random) -> str:
    """Read all there is in a file; the name of the error, or how it was read."""
    report_type = own if chance.random() < 0.8 else chance.choice(REPORTS)  # noqa: PLR2004 - four in five
    rules = RowRules(
        bad_rows=chance.choice(("fail", "skip")),
        max_bad_rows=chance.choice((0, 10, 10**6)),
        bad_cells=chance.choice(("keep", "keep", "fail")),
        schema_drift=chance.choice(("evolve", "extra", "fail")),
    )
    try:
        if chance.random() < 0.1:  # noqa: PLR2004 - one in ten
            inspect_file(path).text()
            return "inspected"
        tables = tables_of(report_type)
        with open_report(path, tables, max_file_bytes=2**26) as report:
            for table in tables:
                counts = RowCounts()
                parts = [
                    (found, match_header(found.header, table.columns, reserved=(), layouts=table.layouts))
                    for found in report.tables_for(table.stream)
                ]
                identity = row_identity(table.key, parts, fallback=table.fallback_key)
                for found, layout in parts:
                    for batch in read_rows(found, layout, selected=None, rules=rules, identity=identity, counts=counts):
                        assert all(len(values) == batch.count for values in batch.columns.values())
    except FlipkartReportsError as error:
        return type(error).__name__
    return "read"


def run_batch(seed: int) -> dict[str, object]:
    """What came of a batch of files."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        for number in range(seed, seed + BATCH):
            chance = random.Random(number)
            seed_file = chance.choice(SEEDS)
            path.write_bytes(repacked(seed_file.read_bytes(), chance))
            began = time.perf_counter()
            try:
                outcomes[read(path, OWN[seed_file], chance)] += 1
            except BaseException as error:
                raise RuntimeError(f"seed {number}, made of {seed_file.name}: {error!r}") from error
            slowest = max(slowest, time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"outcomes": outcomes, "slowest": slowest, "peak": peak}


def run_answers(seed: int) -> dict[str, object]:
    """What came of a batch of hostile answers, and of texts made to be slow."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
    outcomes, slowest = fuzz_calls(range(seed, seed + BATCH // 4))
    doubling = fuzz_texts(random.Random(seed))
    if doubling > SLOWEST_DOUBLING:
        raise RuntimeError(f"seed {seed}: twice the text took {doubling:.1f} times as long")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    counts = {f"{name} (answers)": count for name, count in outcomes.items()}
    return {"outcomes": counts, "slowest": slowest, "peak": peak}


def main() -> None:
    """Run batches for the time given, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long")
    parser.add_argument("--seed", type=int, default=0, help="number of the first file")
    parser.add_argument("--batch", type=int, help="run just the batch of files that begins with this number")
    parser.add_argument("--answers", type=int, help="run just the batch of HTTP answers that begins with this number")
    options = parser.parse_args()
    if options.batch is not None:
        print(json.dumps(run_batch(options.batch)))
        return
    if options.answers is not None:
        print(json.dumps(run_answers(options.answers)))
        return
    outcomes: Counter[str] = Counter()
    slowest, peak, seed, failures = 0.0, 0, options.seed, 0
    began = time.perf_counter()
    while time.perf_counter() - began < options.seconds:
        kind = "--answers" if seed // BATCH % 3 == 2 else "--batch"  # noqa: PLR2004 - every third
        ended = subprocess.run(
            [sys.executable, __file__, kind, str(seed)],
            capture_output=True,
            text=True,
            check=False,
            timeout=BATCH * SLOW,
        )
        if ended.returncode:
            failures += 1
            print(f"{kind} {seed} ended with {ended.returncode}: {ended.stderr.strip().splitlines()[-1:]}")
        else:
            result = json.loads(ended.stdout)
            outcomes.update(result["outcomes"])
            slowest, peak = max(slowest, result["slowest"]), max(peak, result["peak"])
        seed += BATCH
    seconds = time.perf_counter() - began
    print(f"{outcomes.total():,} files and calls in {seconds:.0f} s, seeds {options.seed} to {seed - 1}")
    print(", ".join(f"{outcome} {count:,}" for outcome, count in outcomes.most_common()))
    print(f"slowest {slowest:.2f} s, peak memory {peak / 2**20:.0f} MiB, failed batches {failures}")
    sys.exit(failures > 0 or slowest > SLOW)


if __name__ == "__main__":
    main()
