"""What the system tests share: finding the program and the data, and telling scripts/test the counts."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
ATTUNE = os.environ.get("ATTUNE", str(ROOT / "build/release/src/attune"))


def attune(*arguments, stdin=b"", **options):
    """Runs the program; stdin, stdout and stderr are bytes."""
    return subprocess.run([ATTUNE, *map(str, arguments)], input=stdin, capture_output=True, **options)


def data(*parts):
    """A path in the folder of public data sets. Skips the test where it is absent."""
    path = pathlib.Path(os.environ.get("ATTUNE_DATA", ROOT / "../shared/data")).joinpath(*parts)
    if not path.exists():
        raise unittest.SkipTest(f"skipped: no {path}; set ATTUNE_DATA")
    return path


class _Result(unittest.TextTestResult):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.records = []

    def stopTest(self, test):
        super().stopTest(test)
        bad = any(test is t or getattr(t, "test_case", None) is test for t, _ in self.failures + self.errors)
        skipped = any(t is test for t, _ in self.skipped)
        record = {"name": test.id(), "status": "RUN", "result": "SKIPPED" if skipped else "COMPLETED"}
        if bad:
            record["failures"] = [{"failure": "see the output"}]
        self.records.append(record)


def main():
    """Runs the tests of the calling script."""
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=_Result)
    result = runner.run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    for _, reason in result.skipped:
        print(reason)
    if "ATTUNE_RESULTS" in os.environ:
        path = pathlib.Path(os.environ["ATTUNE_RESULTS"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"testsuites": [{"name": path.stem, "testsuite": result.records}]}))
    sys.exit(0 if result.wasSuccessful() else 1)
