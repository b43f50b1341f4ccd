"""Compares attune with the programs it has to agree with; `make conformance` runs it.

    conformance.py [--preset PRESET] [NAME ...]        e.g. conformance.py files metrics

A check is a module check_NAME.py beside this file, named in ORDER, with one function:

    def check(report, probe, folder):
        "One sentence: what is compared with what."

report  add(what, cases, difference, limit) is a row that has to hold: at least one case, and the largest difference
        of them not above the limit (count the cases that differ where only equality will do, with limit 0).
        note(what, text) is a figure without a limit.
probe   probe(PROGRAM, *arguments, input=b"...", timeout=600) runs a native program of this folder (PROGRAM.cpp,
        see CMakeLists.txt) and returns its standard output as bytes; raises with its standard error where it fails.
folder  an empty folder, removed after the check.

Exit status: 0 where every row holds, 1 where one does not, a check raises, or nothing was checked.
"""
import os

# Before torch or tokenizers are imported, which read these once.
os.environ.update(PYTHONDONTWRITEBYTECODE="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false",
                  TRANSFORMERS_VERBOSITY="error", HF_HUB_DISABLE_PROGRESS_BARS="1",
                  OMP_NUM_THREADS="2", OMP_WAIT_POLICY="passive",
                  CUDA_VISIBLE_DEVICES="")

import argparse
import importlib
import math
import pathlib
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ORDER = ["files", "gguf", "metrics", "tokenizers", "decoders", "adapters", "encoders", "rewards", "training",
         "recommenders", "serving"]


class Report:
    def __init__(self):
        self.rows = []  # (what, cases, difference, limit, ok); limit and ok are None for a note

    def add(self, what, cases, difference, limit):
        # A NaN is not below any limit.
        self.rows.append((what, cases, float(difference), limit, cases > 0 and bool(difference <= limit)))

    def note(self, what, text):
        self.rows.append((what, None, text, None, None))

    def holds(self):
        limits = [ok for *_, ok in self.rows if ok is not None]
        return bool(limits) and all(limits)


def prober(preset):
    def probe(program, *arguments, input=b"", timeout=600):
        path = HERE.parents[1] / "build" / preset / "tests" / "conformance" / program
        done = subprocess.run([path, *map(str, arguments)], input=input, capture_output=True, timeout=timeout)
        if done.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(map(str, arguments))}: exit status {done.returncode}\n"
                               + done.stderr.decode(errors="replace"))
        return done.stdout
    return probe


def run(name, probe):
    """(report, error or None, seconds) of one check."""
    report, error, began = Report(), None, time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="attune-conformance-") as folder:
            importlib.import_module("check_" + name).check(report, probe, pathlib.Path(folder))
        if not any(ok is not None for *_, ok in report.rows):
            error = "compared nothing"
    except Exception as problem:
        traceback.print_exc()
        error = f"{type(problem).__name__}: {problem}".splitlines()[0]
    return report, error, time.monotonic() - began


def number(value):
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:.0f}" if math.isfinite(value) and value == int(value) else f"{value:.2e}"


def table(results):
    """The lines of one table over all checks."""
    cells = [("what", "cases", "largest difference", "limit", "ok")]
    for name, (report, error, seconds) in results.items():
        cells.append((f"{name} ({seconds:.1f} s)", "", "", "", ""))
        for what, cases, difference, limit, ok in report.rows:
            verdict = "" if ok is None else "yes" if ok else "NO"
            cells.append(("  " + what, "" if cases is None else str(cases), number(difference), number(limit), verdict))
        if error:
            cells.append(("  " + error, "", "", "", "NO"))
    # Notes and errors may run on; they must not widen every row.
    widths = [max(min(len(row[column]), 64) for row in cells) for column in range(5)]
    return ["  ".join(text.ljust(width) if column == 0 else text.rjust(width)
                      for column, (text, width) in enumerate(zip(row, widths))).rstrip() for row in cells]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", default="release")
    parser.add_argument("names", nargs="*", help="checks; without one, all of them")
    arguments = parser.parse_args()
    sys.path.insert(0, str(HERE))
    present = {path.stem.removeprefix("check_") for path in HERE.glob("check_*.py")}
    for name in sorted(present - set(ORDER)):
        parser.error(f"check_{name}.py is not in ORDER")
    for name in arguments.names:
        if name not in present:
            parser.error(f"there is no check \"{name}\"; there are {', '.join(sorted(present))}")
    wanted = [name for name in ORDER if name in (arguments.names or present)]

    program = HERE.parents[1] / "build" / arguments.preset / "src" / "attune"
    os.environ.setdefault("ATTUNE", str(program))
    results = {}
    for name in wanted:
        print(f"== conformance: {name}", flush=True)
        results[name] = run(name, prober(arguments.preset))
    for line in table(results):
        print(line)
    rows = sum(len(report.rows) for report, _, _ in results.values())
    bad = [name for name, (report, error, _) in results.items() if error or not report.holds()]
    print(f"conformance: {len(results)} checks, {rows} rows"
          + (f"; failed: {', '.join(bad)}" if bad else "" if results else "; nothing was checked"))
    return 1 if bad or not results else 0


if __name__ == "__main__":
    sys.exit(main())
