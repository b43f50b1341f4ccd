"""The commands on a feedback store, from outside: in, out in every format, erased; and a recipe that reads one."""
import collections
import csv
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import system
from system import ROOT, attune

USAGE, DATA, RESOURCE = 2, 3, 4
DIALOGUES = 120


class Feedback(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        held = tempfile.TemporaryDirectory()
        cls.addClassCleanup(held.cleanup)
        cls.base = pathlib.Path(held.name)
        cls.world, cls.store = cls.base / "world", cls.base / "feedback.db"
        cls.done(attune("simulate", "--out", cls.world, "items=40", f"dialogues={DIALOGUES}", "people=60"))
        cls.done(attune("feedback", "import", cls.store, cls.world, "--training"))

    @staticmethod
    def done(process):
        if process.returncode != 0:
            raise AssertionError(process.stderr.decode())
        return process.stdout.decode()

    def fails(self, process, code, *said):
        self.assertEqual(process.returncode, code, process.stderr)
        for part in said:
            self.assertIn(part, process.stderr.decode())

    def stats(self, store=None):
        return json.loads(self.done(attune("feedback", "stats", store or self.store, "--json", "--check")))

    def export(self, name, *arguments):
        self.done(attune("feedback", "export", self.store, "--to", self.base / name, *arguments))
        return self.base / name

    def lines(self, path):
        return [json.loads(line) for line in path.read_text().splitlines()]

    def test_stats_count_what_came_in_and_what_would_go_out(self):
        stats = self.stats()
        self.assertEqual(stats["conversations"], DIALOGUES)
        self.assertEqual(stats["people"], stats["training_consent"])
        self.assertEqual(stats["export"]["dialogues"], DIALOGUES)
        self.assertEqual(stats["events"], sum(stats["by_type"].values()))
        self.assertRegex(self.done(attune("feedback", "stats", self.store)), r"(?m)^conversations +120$")

    def test_twice_in_is_as_good_as_once(self):
        before = self.stats()["newest_seq"]
        self.assertIn(" 0 new rows", self.done(attune("feedback", "import", self.store, self.world, "--training")))
        self.assertEqual(self.stats()["newest_seq"], before)

    def test_dialogues_come_out_as_they_went_in(self):
        out = self.export("out")
        went_in = [[turn["text"] for turn in line["turns"]] for line in self.lines(self.world / "dialogues.jsonl")]
        came_out = self.lines(out / "dialogues.jsonl")
        self.assertEqual(len(came_out), DIALOGUES)
        for line in came_out:
            texts = [turn["text"] for turn in line["turns"]]
            self.assertIn(texts, went_in)
        self.assertIn(str(DIALOGUES), self.done(attune("data", "check", out)))

    def test_the_same_number_gives_the_same_bytes(self):
        half = str(self.stats()["newest_seq"] // 2)
        first = self.export("first.jsonl", "--as-of", half).read_bytes()
        self.assertEqual(self.export("second.jsonl", "--as-of", half).read_bytes(), first)
        said = self.done(attune("feedback", "export", self.store, "--to", self.base / "now.jsonl"))
        again = re.search(r"the same again: (--as-of \d+ --at \S+)", said).group(1).split()
        self.assertEqual(self.export("again.jsonl", *again).read_bytes(), (self.base / "now.jsonl").read_bytes())
        self.assertLess(len(first), len((self.base / "now.jsonl").read_bytes()))

    def test_the_other_formats(self):
        for line in self.lines(self.export("kto.jsonl", "--format", "kto")):
            self.assertEqual(line["prompt"][0]["role"], "user")
            self.assertEqual(line["completion"][0]["role"], "assistant")
            self.assertIsInstance(line["label"], bool)
        self.assertEqual(self.export("pairs.jsonl", "--format", "preference").read_text(), "")  # nothing was regenerated
        with open(self.export("shown.csv", "--format", "csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual({row["taken"] for row in rows} - {"0", "0.6", "1"}, set())
        self.assertGreater(len({row["conversation"] for row in rows}), DIALOGUES / 2)

    def test_nobody_has_more_than_their_share_of_what_goes_out_where_that_is_asked(self):
        with open(self.export("shares.csv", "--format", "csv", "--max-share", "0.03"), newline="") as file:
            people = collections.Counter(row["person"] for row in csv.DictReader(file))
        self.assertLessEqual(max(people.values()), 0.03 * people.total())
        self.assertGreater(len(people), 30)
        for share, code, said in (("0.001", DATA, "too few"), ("0", USAGE, "--max-share"), ("1.5", USAGE, "--max-share")):
            self.fails(attune("feedback", "export", self.store, "--to", self.base / "x", "--max-share", share), code, said)

    def test_without_consent_nothing_goes_out(self):
        store = self.base / "silent.db"
        self.done(attune("feedback", "import", store, self.world))
        for name, *arguments in (["none.jsonl"], ["none-kto.jsonl", "--format", "kto"]):
            self.done(attune("feedback", "export", store, "--to", self.base / name, *arguments))
            self.assertEqual((self.base / name).read_text(), "")
        self.assertEqual(self.stats(store)["export"]["without_consent"], DIALOGUES)
        self.fails(attune("data", ROOT / "recipes/tiny.toml", f"data.path={store}", f"run.folder={self.base}/no",
                          f"data.lexicon={self.world}/lexicon.txt"), DATA, "120 are without consent")

    def test_what_is_erased_leaves_no_byte(self):
        store = self.base / "erased.db"
        self.done(attune("feedback", "import", store, self.world, "--training"))
        self.done(attune("feedback", "export", store, "--to", self.base / "before.jsonl"))
        line = self.lines(self.base / "before.jsonl")[0]
        self.assertTrue(line["seeker"].encode() in store.read_bytes())
        self.assertIn("erased ", self.done(attune("feedback", "erase", store, "--subject", line["seeker"])))
        for path in self.base.glob("erased.db*"):
            for erased in (line["seeker"], line["id"], line["turns"][0]["id"]):
                self.assertFalse(erased.encode() in path.read_bytes(), erased)
        self.fails(attune("feedback", "erase", store, "--subject", line["seeker"]), DATA, "nothing of")
        self.fails(attune("feedback", "erase", store), USAGE, "--subject")
        self.fails(attune("feedback", "erase", self.base / "none.db", "--subject", "x"), DATA, "no such file")

    def test_what_is_older_expires(self):
        store = self.base / "old.db"
        self.done(attune("feedback", "import", store, self.world, "--begun", "2020-01-01T00:00:00Z"))
        self.assertIn("expired 0 conv", self.done(attune("feedback", "expire", store, "--days", "99",
                                                         "--at", "2020-01-31T00:00:00Z")))
        self.assertIn(f"expired {DIALOGUES} conv", self.done(attune("feedback", "expire", store, "--days", "365")))
        self.assertEqual(self.stats(store)["turns"], 0)

    def test_nothing_expires_by_an_empty_variable(self):
        for days in ("", "0", "-1", "x"):
            self.fails(attune("feedback", "expire", self.store, "--days", days), USAGE, "--days")
        self.assertEqual(self.stats()["conversations"], DIALOGUES)

    def test_a_backup_is_a_store(self):
        copy = self.base / "copy.db"
        self.done(attune("feedback", "backup", self.store, copy))
        self.assertEqual({**self.stats(copy), "file": ""}, {**self.stats(), "file": ""})
        self.fails(attune("feedback", "backup", self.store, copy), USAGE, "is there already")

    def test_bad_arguments_and_files_are_told(self):
        self.fails(attune("feedback", "stats", self.base / "none.db"), DATA, "no such file")
        (self.base / "text.db").write_text("no store at all, " * 100)
        self.fails(attune("feedback", "stats", self.base / "text.db"), DATA, "no feedback store")
        self.fails(attune("feedback", "export", self.store, "--to", self.base / "x", "--format", "xml"), USAGE, "xml")
        self.fails(attune("feedback", "export", self.store, "--to", self.base / "x", "--at", "noon"), USAGE, "noon")
        self.fails(attune("feedback", "export", self.store, "--to", self.base / "x", "--as-of", "-1"), USAGE, "-1")
        self.fails(attune("feedback", "export", self.store, "--to", self.store, "--format", "csv"), USAGE, "itself")
        self.fails(attune("feedback", "export", self.base / "none.db", "--to", self.store), DATA, "no such file")

    def test_the_commands_of_the_documentation_run_as_they_are_written(self):
        block = re.search(r"```sh\n(.*?)```", (ROOT / "docs/feedback.md").read_text(), re.DOTALL).group(1)
        folder = self.base / "documentation"
        folder.mkdir()
        lines = block.splitlines()
        self.assertGreater(len(lines), 8)
        for line in lines:
            name, *arguments = line.split()
            self.assertEqual(name, "attune")
            self.done(attune(*arguments, cwd=folder))
        self.assertTrue((folder / "dialogues/catalogue.jsonl").exists())

    def test_a_second_writer_is_refused(self):
        probe = system.os.environ.get("ATTUNE_FEEDBACK_PROBE", "build/release/tests/feedback_probe")
        store = self.base / "held.db"
        with subprocess.Popen([probe, store, "0"], stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()  # it has the store now
            self.fails(attune("feedback", "expire", store, "--days", "1"), RESOURCE, "in use by process")
            self.done(attune("feedback", "stats", store))
            writer.kill()

    def test_a_recipe_reads_a_store_and_knows_it_by_what_it_read(self):
        items = self.world / "catalogue.jsonl"

        def data(*settings):
            return attune("data", ROOT / "recipes/tiny.toml", f"data.path={self.store}", f"run.folder={self.base}/run",
                          f"data.lexicon={self.world}/lexicon.txt", f"data.catalogue={items}", *settings, cwd=ROOT)

        newest = self.stats()["newest_seq"]
        first = data()
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(len(self.lines(self.base / "run/data/catalogue.jsonl")), 40)
        told = self.lines(self.base / "run/data/train.jsonl")
        self.assertTrue(any(event["type"] == "accept" for line in told for event in line.get("events", [])))
        self.assertIn(b"unchanged, skipped", data().stderr)
        self.assertIn(b"unchanged, skipped", data(f"data.as_of={newest}").stderr)
        self.fails(data(f"data.as_of={newest // 2}"), USAGE, "inputs have changed", "run.redo=true")
        few = self.base / "few.jsonl"
        few.write_text("\n".join(items.read_text().splitlines()[:5]) + "\n")
        self.fails(data(f"data.catalogue={few}", "run.redo=true"), DATA, "the catalogue lacks ", "that was served")
        self.fails(data("data.at=noon"), USAGE, "noon")


if __name__ == "__main__":
    system.main()
