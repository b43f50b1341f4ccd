"""The tiny recipe from dialogues to the report: whole, skipped, killed in each stage and resumed, and what goes wrong."""
import fcntl
import hashlib
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import system

ROOT = pathlib.Path(__file__).resolve().parent.parent
TINY = ROOT / "recipes" / "tiny.toml"
USAGE, DATA, RESOURCE, INTERRUPTED = 2, 3, 4, 130
STAGES = ["data", "tokenizer", "sft", "signals", "reward", "policy", "evaluation"]
# What a run ends with: bit-equal however often it was stopped.
RESULTS = ["sft/model/model.safetensors", "sft/ranker/ranker.safetensors", "reward/reward.safetensors",
           "policy/model/model.safetensors", "policy/ranker/ranker.safetensors", "evaluation/v2/ppo.trec",
           "evaluation/ppo.responses.jsonl"]


def command(folder, *more):
    return [system.ATTUNE, "run", str(TINY), f"run.folder={folder}", *more]


def run(folder, *more, **options):
    return subprocess.run(command(folder, *more), cwd=ROOT, capture_output=True, text=True, **options)


def digests(folder):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in RESULTS}


class TinyRecipe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        held = tempfile.TemporaryDirectory()
        cls.addClassCleanup(held.cleanup)
        cls.base = pathlib.Path(held.name)
        cls.whole = cls.base / "whole"
        cls.first = run(cls.whole)
        assert cls.first.returncode == 0, cls.first.stderr
        cls.expected = digests(cls.whole)

    def copy(self, name):
        to = self.base / name
        shutil.copytree(self.whole, to)
        self.addCleanup(shutil.rmtree, to, True)
        return to

    def test_every_stage_leaves_its_folder_with_metrics_events_and_manifest(self):
        for stage in STAGES:
            for name in ["manifest.json", "metrics.jsonl", "events.out.tfevents.attune"]:
                self.assertTrue((self.whole / stage / name).exists(), f"{stage}/{name}")
        page = (self.whole / "report.html").read_text()
        self.assertNotRegex(page, r"(src|href)=.https?:")
        self.assertFalse(list(self.whole.glob("**/checkpoint-*")), "checkpoints of finished stages")

    def test_the_report_has_every_model_in_every_protocol_and_the_comparisons(self):
        report = json.loads((self.whole / "report.json").read_text())
        self.assertEqual(report["schema"], "attune.report/1")
        scores = {model["name"]: model["scores"] for model in report["models"]}
        for name in ["popularity", "copy", "cooccurrence", "sft-lm", "sft", "ppo"]:
            for protocol in ["v1", "v2", "v3", "ln"]:
                self.assertGreater(scores[name][protocol]["n"], 0)
                self.assertLessEqual(scores[name][protocol]["ndcg@5"], scores[name][protocol]["hr@5"])
        for name in ["sft", "ppo"]:
            self.assertIn("bleu4", scores[name]["text"])
            self.assertIn("satisfaction", scores[name]["world"])
        self.assertIn(("world", "ppo", "sft"), {(c["protocol"], c["model"], c["against"]) for c in report["comparisons"]})
        self.assertTrue(any(signal["validated"] for signal in report["signals"]))

    def test_the_trec_files_give_the_printed_numbers(self):
        folder = self.whole / "evaluation" / "v2"
        relevant, ranked = {}, {}
        for line in (folder / "qrels.trec").read_text().splitlines():
            query, _, item, value = line.split()
            if value != "0":
                relevant.setdefault(query, set()).add(item)
        for line in (folder / "sft.trec").read_text().splitlines():
            query, _, item, _, score, _ = line.split()
            ranked.setdefault(query, []).append((-float(score), item))
        pairs = hits = 0
        for query, items in relevant.items():
            best = [item for _, item in sorted(ranked[query])[:10]]
            pairs += len(items)
            hits += sum(item in best for item in items)
        report = json.loads((self.whole / "report.json").read_text())
        sft = next(model for model in report["models"] if model["name"] == "sft")["scores"]["v2"]
        self.assertEqual(pairs, sft["n"])
        self.assertAlmostEqual(hits / pairs, sft["hr@10"], places=9)

    def test_a_second_run_skips_every_stage(self):
        done = run(self.whole)
        self.assertEqual(done.returncode, 0, done.stderr)
        for stage in STAGES:
            self.assertIn(f"{stage}  unchanged, skipped", done.stderr)

    def test_killed_in_each_stage_and_resumed_it_ends_with_the_same_bits(self):
        folder = self.base / "killed"
        # A stage is under way when its stage.json is there; sft and policy when they have a checkpoint too.
        for stage in STAGES:
            process = subprocess.Popen(command(folder), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.time() + 300
            while process.poll() is None and time.time() < deadline:
                begun = (folder / stage / "stage.json").exists()
                if begun and stage in ("sft", "policy"):
                    begun = bool(list((folder / stage).glob("checkpoint-*/manifest.json")))
                if begun:
                    break
                time.sleep(.002)
            process.send_signal(signal.SIGKILL)
            process.wait()
        done = run(folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(digests(folder), self.expected)
        for stage in STAGES:
            steps = [json.loads(line)["step"] for line in (folder / stage / "metrics.jsonl").read_text().splitlines()]
            self.assertEqual(steps, sorted(set(steps)), stage)
        self.assertFalse(list(folder.glob("**/*.partial")))

    def test_an_interrupt_writes_a_checkpoint_and_ends_with_130(self):
        folder = self.base / "interrupted"
        process = subprocess.Popen(command(folder, "sft.epochs=40", "sft.checkpoint_every=1000"), cwd=ROOT,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not (folder / "sft/metrics.jsonl").exists():
            time.sleep(.01)
        process.send_signal(signal.SIGINT)
        message = process.communicate()[1]
        self.assertEqual(process.returncode, INTERRUPTED, message)
        self.assertTrue(list((folder / "sft").glob("checkpoint-*/manifest.json")), message)

    def test_a_stage_folder_made_by_other_settings_is_refused_and_redone_when_asked(self):
        folder = self.copy("other-settings")
        done = run(folder, "evaluation.responses=40")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("evaluation.responses (was 60, is 40)", done.stderr)
        done = run(folder, "evaluation.responses=40", "run.redo=true")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("sft  unchanged, skipped", done.stderr)

    def test_damage_is_noticed_and_the_file_named(self):
        folder = self.copy("damaged")
        weights = folder / "sft/model/model.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
        done = run(folder)
        self.assertEqual(done.returncode, DATA, done.stderr)
        self.assertIn("model.safetensors", done.stderr)
        (folder / "sft/manifest.json").write_text("{")
        done = run(folder)
        self.assertEqual(done.returncode, DATA, done.stderr)
        self.assertIn("sft/manifest.json", done.stderr)

    def test_a_single_stage_notices_damage_in_those_it_needs(self):
        folder = self.copy("damaged-above")
        lines = (folder / "data/train.jsonl").read_text().splitlines(keepends=True)
        (folder / "data/train.jsonl").write_text("".join(lines[:-1]))
        done = subprocess.run([system.ATTUNE, "rl", str(folder)], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, DATA, done.stderr)
        self.assertIn("data/train.jsonl", done.stderr)

    def test_weights_that_do_not_fit_the_tokenizer_are_refused(self):
        folder = self.copy("unfit")
        with open(folder / "policy/model/catalogue.jsonl", "a") as catalogue:
            catalogue.write('{"schema":"attune.catalogue/1","id":"new","title":"New"}\n')
        done = subprocess.run([system.ATTUNE, "chat", str(folder)], cwd=ROOT, capture_output=True, text=True, input="")
        self.assertEqual(done.returncode, DATA, done.stderr)
        self.assertIn("catalogue", done.stderr)

    def test_a_second_process_in_the_folder_is_refused(self):
        folder = self.copy("locked")
        with open(folder / ".lock", "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = run(folder)
        self.assertEqual(done.returncode, RESOURCE)
        self.assertIn("in use by process", done.stderr)

    def test_a_disk_that_is_full_ends_with_4_and_the_previous_checkpoint_whole(self):
        folder = self.base / "full"
        limit = 200_000  # bytes a file: the tokenizer fits, a checkpoint does not

        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        done = run(folder, "world.dialogues=60", preexec_fn=small_files)
        self.assertEqual(done.returncode, RESOURCE, done.stderr)
        self.assertIn("cannot be written", done.stderr)
        self.assertFalse(list(folder.glob("**/*.partial")), "something half-written")
        done = run(folder, "world.dialogues=60")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_bad_recipes_are_told_with_place_and_advice(self):
        bad = self.base / "bad.toml"
        cases = [("[sft]\nepoch = 3\n", ":2: unknown setting sft.epoch; did you mean sft.epochs"),
                 ("[sft]\nepochs = \"three\"\n", ":2: sft.epochs is 'three', expected a whole number"),
                 ("[sft\n", ":1: "), ("schema = \"attune.recipe/9\"\n[new]\nthing = 1\n", "newer"), ("[model]\nwidth = 30\nheads = 4\n", "no multiple of model.heads")]
        for text, message in cases:
            bad.write_text(text)
            done = subprocess.run([system.ATTUNE, "run", str(bad)], cwd=self.base, capture_output=True, text=True)
            self.assertEqual(done.returncode, DATA if message == "newer" else USAGE, done.stderr)
            self.assertIn(message, done.stderr)
            self.assertFalse((self.base / "runs").exists())
        done = subprocess.run([system.ATTUNE, "run", str(self.base / "none.toml")], capture_output=True, text=True)
        self.assertEqual(done.returncode, DATA)
        done = run(self.base / "missing", "data.path=/nowhere", "data.lexicon=/nowhere")
        self.assertEqual(done.returncode, DATA)
        self.assertIn("/nowhere", done.stderr)

    def test_an_empty_split_is_told(self):
        done = run(self.base / "empty", "data.split.validation=0")
        self.assertEqual(done.returncode, DATA, done.stderr)
        self.assertIn("validation", done.stderr)

    def test_a_dry_run_prints_the_recipe_and_an_estimate_and_does_nothing(self):
        folder = self.base / "dry"
        done = run(folder, "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("[sft]", done.stdout)
        self.assertIn("million weights", done.stdout)
        self.assertFalse(folder.exists())

    def test_other_dialogues_are_evaluated_without_touching_the_run(self):
        before = (self.whole / "report.json").read_bytes()
        out = self.base / "elsewhere"
        done = subprocess.run([system.ATTUNE, "evaluate", str(self.whole), f"data.test={self.whole}/data/validation.jsonl",
                               "--out", str(out)], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ["report.json", "report.html", "v1/qrels.trec", "v2/ppo.trec", "ln/sft.trec", "sft.responses.jsonl"]:
            self.assertTrue((out / name).exists(), name)
        self.assertEqual((self.whole / "report.json").read_bytes(), before)
        self.assertIn("unchanged, skipped", run(self.whole).stderr)

    def test_chat_answers_with_items_and_probabilities(self):
        done = subprocess.run([system.ATTUNE, "chat", str(self.whole)], cwd=ROOT, capture_output=True, text=True,
                              input="hello, I love crime films\n\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("attune> ", done.stdout)

    def test_chat_refuses_a_temperature_that_is_none(self):
        for wrong in ["0.7abc", "-1", "warm", ""]:
            done = subprocess.run([system.ATTUNE, "chat", str(self.whole), "--temperature", wrong], cwd=ROOT,
                                  capture_output=True, text=True, input="")
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertIn("--temperature", done.stderr)

    def test_logs_without_forms_or_times_go_the_whole_way(self):
        logs = self.base / "logs.jsonl"
        with open(logs, "w") as out:
            for line in open(self.whole / "data/train.jsonl"):
                dialogue = json.loads(line)
                dialogue.pop("labels", None)
                dialogue.pop("events", None)
                for turn in dialogue["turns"]:
                    turn.pop("time", None)
                out.write(json.dumps(dialogue) + "\n")
        folder = self.base / "logs"
        done = run(folder, f"data.path={logs}", f"data.lexicon={self.whole}/data/lexicon.txt")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no signal proved valid", done.stderr)
        report = json.loads((folder / "report.json").read_text())
        self.assertIn("ppo", [model["name"] for model in report["models"]])


if __name__ == "__main__":
    system.main()
