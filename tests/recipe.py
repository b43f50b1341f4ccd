"""The tiny recipe from dialogues to the report: whole, skipped, killed in each stage and resumed, and what goes wrong."""
import fcntl
import hashlib
import json
import os
import pathlib
import re
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


def until(condition, process, seconds=300):
    """Waits until the condition holds or the process has ended; true where it holds and the process lives."""
    deadline = time.time() + seconds
    while time.time() < deadline and process.poll() is None:
        if condition():
            return process.poll() is None
        time.sleep(.002)
    return False


def checkpoints(folder):
    """The manifests of whole checkpoints: one that is being written has its manifest before its name."""
    return [path for path in folder.glob("checkpoint-*/manifest.json") if not path.parent.name.endswith(".partial")]


def whole(folder):
    """Whether every file of a folder has the sum that its manifest says."""
    files = json.loads((folder / "manifest.json").read_text())["files"]
    return bool(files) and all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
                               for name, digest in files.items())


def drop_row(path, name):
    """Takes the last row off a matrix of a .safetensors file."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8:8 + size]), content[8 + size:]
    rows, columns = header[name]["shape"]
    header[name]["shape"] = [rows - 1, columns]
    parts, at = [], 0
    for key in sorted((key for key in header if key != "__metadata__"), key=lambda key: header[key]["data_offsets"]):
        begin, end = header[key]["data_offsets"]
        parts.append(data[begin:end - (end - begin) // rows] if key == name else data[begin:end])
        header[key]["data_offsets"] = [at, at + len(parts[-1])]
        at += len(parts[-1])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))


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
            for protocol in ["v1", "v2", "v3", "ln", "ls", "dl"]:
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
        def begun(stage):
            return (folder / stage / "stage.json").exists() and (stage not in ("sft", "policy") or checkpoints(folder / stage))

        said = ""
        for stage in STAGES:
            with tempfile.TemporaryFile("w+") as log:
                process = subprocess.Popen(command(folder), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log)
                alive = until(lambda: begun(stage), process)
                process.send_signal(signal.SIGKILL)
                process.wait()
                log.seek(0)
                said += log.read()
            self.assertTrue(alive, f"{stage}: {said}")
            self.assertEqual(process.returncode, -signal.SIGKILL, stage)
        done = run(folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        for stage in ["sft", "policy"]:
            self.assertRegex(said + done.stderr, rf"going on after step [1-9][0-9]* of \S*/{stage}\n")
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

    def test_the_reference_ends_in_the_same_place_by_other_rounding(self):
        folder = self.copy("reference")
        self.assertIn("run.kernels (was absent, is \"reference\")", run(folder, "run.kernels=reference").stderr)
        for stage in STAGES[2:]:
            shutil.rmtree(folder / stage)
        done = subprocess.run([system.ATTUNE, "sft", str(TINY), f"run.folder={folder}", "run.kernels=reference",
                               "run.redo=true"], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

        def last(run_folder):
            lines = (run_folder / "sft" / "metrics.jsonl").read_text().splitlines()
            return [json.loads(line) for line in lines if "validation/loss" in line][-1]
        self.assertAlmostEqual(last(folder)["validation/loss"], last(self.whole)["validation/loss"], places=4)
        self.assertNotEqual(last(folder)["grad_norm"], last(self.whole)["grad_norm"])

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

    def chat_with(self, folder):
        # Without its manifest, as somebody who puts a model together by hand has it.
        (folder / "policy/manifest.json").unlink()
        return subprocess.run([system.ATTUNE, "chat", str(folder)], cwd=ROOT, capture_output=True, text=True, input="")

    def test_a_tokenizer_that_does_not_fit_the_catalogue_is_refused(self):
        folder = self.copy("unfit")
        with open(folder / "policy/model/catalogue.jsonl", "a") as catalogue:
            catalogue.write('{"schema":"attune.catalogue/1","id":"new","title":"New"}\n')
        done = self.chat_with(folder)
        self.assertEqual(done.returncode, DATA, done.stderr)
        self.assertIn("does not fit a catalogue of 41 items", done.stderr)

    def test_weights_whose_vocabulary_does_not_fit_the_tokenizer_are_refused(self):
        folder = self.copy("other-vocabulary")
        drop_row(folder / "policy/model/model.safetensors", "transformer.wte.weight")
        done = self.chat_with(folder)
        self.assertEqual(done.returncode, DATA, done.stderr)
        self.assertIn("wte.weight", done.stderr)  # not of the shape that config.json says
        folder = self.copy("other-vocabulary-said")
        drop_row(folder / "policy/model/model.safetensors", "transformer.wte.weight")
        config = json.loads((folder / "policy/model/config.json").read_text())
        config["vocab_size"] -= 1  # a base may have rows to spare, never too few
        (folder / "policy/model/config.json").write_text(json.dumps(config))
        done = self.chat_with(folder)
        self.assertEqual(done.returncode, DATA, done.stderr)
        self.assertIn(f"the model has {config['vocab_size']} tokens, its tokenizer {config['vocab_size'] + 1}", done.stderr)

    def test_a_second_process_in_the_folder_is_refused(self):
        folder = self.copy("locked")
        with open(folder / ".lock", "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = run(folder)
        self.assertEqual(done.returncode, RESOURCE)
        self.assertIn("in use by process", done.stderr)

    def test_a_disk_that_is_full_ends_with_4_and_the_previous_checkpoint_whole(self):
        folder = self.base / "full"
        settings = ["world.dialogues=60", "sft.epochs=30", "sft.patience=30", "sft.checkpoint_every=1"]
        limit = 100_000  # bytes a file: logs fit, a checkpoint does not

        def ignore_the_signal():  # so that writing fails as on a full disk
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        process = subprocess.Popen(command(folder, *settings), cwd=ROOT, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True, preexec_fn=ignore_the_signal)
        alive = until(lambda: checkpoints(folder / "sft"), process)
        if alive:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        message = process.communicate()[1]
        self.assertTrue(alive, message)
        self.assertEqual(process.returncode, RESOURCE, message)
        self.assertIn("cannot be written", message)
        self.assertIn("checkpoint-", message)
        self.assertFalse(list(folder.glob("**/*.partial")), "something half-written")
        kept = checkpoints(folder / "sft")
        self.assertTrue(kept)
        for manifest in kept:
            self.assertTrue(whole(manifest.parent), manifest)
        newest = max(int(manifest.parent.name.split("-")[1]) for manifest in kept)
        done = run(folder, *settings)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"going on after step {newest} of", done.stderr)

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

    def test_every_algorithm_is_one_key(self):
        folder = self.copy("algorithms")
        weights = folder / "policy/model/model.safetensors"
        digest = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
        seen = {digest(weights), digest(folder / "sft/model/model.safetensors")}
        for algorithm in ["grpo", "rloo", "reinforce_pp", "dpo", "kto", "best_of_n", "reward_weighted", "sft"]:
            done = self.attune("rl", folder, "run.redo=true", "rl.iterations=2", f"rl.algorithm={algorithm}")
            self.assertEqual(done.returncode, 0, f"{algorithm}: {done.stderr}")
            self.assertNotIn(digest(weights), seen, algorithm)
            seen.add(digest(weights))
            last = json.loads((folder / "policy/metrics.jsonl").read_text().splitlines()[-1])
            self.assertIn("objective/kl", last, algorithm)
        done = self.attune("rl", folder, "run.redo=true", "rl.iterations=2", "rl.algorithm=ppo", "rl.rollout_weights=int8")
        self.assertEqual(done.returncode, 0, done.stderr)
        last = json.loads((folder / "policy/metrics.jsonl").read_text().splitlines()[-1])
        self.assertNotEqual(last["val/sampler_weight"], 1)
        self.assertAlmostEqual(last["val/sampler_weight"], 1, delta=0.05)
        done = self.attune("rl", folder, "run.redo=true", "rl.rollout_weights=computed", "rl.iterations=2")
        self.assertEqual(done.returncode, 0, done.stderr)
        last = json.loads((folder / "policy/metrics.jsonl").read_text().splitlines()[-1])
        self.assertEqual(last["val/sampler_weight"], 1)
        for reward in ["shuffled", "length", "unpopular", "gold"]:
            done = self.attune("rl", folder, "run.redo=true", "rl.iterations=2", "rl.algorithm=ppo", f"rl.reward={reward}")
            self.assertEqual(done.returncode, 0, f"{reward}: {done.stderr}")
            ranker = digest(folder / "policy/ranker/ranker.safetensors")
            self.assertNotIn(ranker, seen, reward)
            seen.add(ranker)
        for wrong, said in [("rl.algorithm=pppo", "ppo, grpo"), ("rl.rollout_weights=int4", "computed, int8"), ("rl.kl_reward=k3", "Only k1"),
                            ("rl.reward=more", "shuffled"), ("rl.kl_place=loss", "beta_unit=advantage")]:
            done = self.attune("rl", folder, "run.redo=true", "rl.algorithm=reinforce_pp", wrong)
            self.assertEqual(done.returncode, USAGE, wrong)
            self.assertIn(said, done.stderr)

    def test_items_learn_from_clicks(self):
        folder = self.copy("clicks")
        digest = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
        words = digest(folder / "sft/model/model.safetensors")
        seen = {digest(folder / "sft/ranker/ranker.safetensors")}
        for settings in [["kto"], ["kto", "rl.preference_beta=1"], ["sft", "rl.preference_beta=0.1"], ["reward_weighted"]]:
            done = self.attune("rl", folder, "run.redo=true", "rl.iterations=2", "rl.items=clicks", "rl.gate=refuse",
                               f"rl.algorithm={settings[0]}", *settings[1:])
            self.assertEqual(done.returncode, 0, f"{settings}: {done.stderr}")
            ranker = digest(folder / "policy/ranker/ranker.safetensors")
            self.assertNotIn(ranker, seen, settings)
            seen.add(ranker)
            self.assertEqual(digest(folder / "policy/model/model.safetensors"), words, settings)
            last = json.loads((folder / "policy/metrics.jsonl").read_text().splitlines()[-1])
            self.assertGreater(last["item/kl"], 0)
        # One item a turn: there is nothing to make pairs of.
        done = self.attune("rl", folder, "run.redo=true", "rl.items=clicks", "rl.algorithm=dpo")
        self.assertEqual(done.returncode, DATA)
        self.assertIn("use kto", done.stderr)
        done = self.attune("rl", folder, "run.redo=true", "rl.items=clicks", "rl.algorithm=ppo")
        self.assertEqual(done.returncode, USAGE)

    def test_a_step_over_the_budget_of_kl_is_taken_back(self):
        folder = self.copy("budget")
        # GRPO without a price of KL has the same budget; weights that are no numbers any more are over every one.
        for settings in [["rl.algorithm=dpo", "rl.learning_rate=0.01", "rl.kl_target=0.05"],
                         ["rl.algorithm=grpo", "rl.kl_place=none", "rl.learning_rate=0.01", "rl.kl_target=0.05"],
                         ["rl.algorithm=dpo", "rl.learning_rate=1e30", "rl.kl_target=0"]]:
            done = self.attune("rl", folder, "run.redo=true", "rl.iterations=4", *settings)
            self.assertEqual(done.returncode, 0, f"{settings}: {done.stderr}")
            self.assertNotIn("nan", done.stderr)
            lines = [json.loads(line) for line in (folder / "policy/metrics.jsonl").read_text().splitlines()][1:]
            self.assertTrue(any(line["kl/taken_back"] for line in lines), settings)
            self.assertLess(lines[-1]["kl/step_share"], 1)
            self.assertTrue(settings[-1] == "rl.kl_target=0" or lines[-1]["objective/kl"] <= .05, settings)

    def test_a_policy_that_is_no_number_any_more_says_what_to_do(self):
        done = self.attune("rl", self.copy("diverged"), "run.redo=true", "rl.iterations=4", "rl.algorithm=ppo",
                           "rl.learning_rate=1e30", "rl.max_approx_kl=0")
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn("rl.learning_rate", done.stderr)

    def test_settings_that_cannot_work_are_refused_before_anything_is_lost(self):
        folder = self.copy("refused")
        before = (folder / "policy/manifest.json").read_bytes()
        for setting, said in [("rl.batch=20 rl.algorithm=rloo rl.group_size=8", "multiple"), ("rl.dual_clip=3 rl.algorithm=dpo", "dual_clip"),
                              ("rl.beta=0", "rl.kl_target"), ("rl.length_cache=99", "max_tokens"),
                              ("rl.algorithm=sft rl.dynamic_sampling=true", "dynamic_sampling")]:
            done = self.attune("rl", folder, "run.redo=true", *setting.split())
            self.assertEqual(done.returncode, USAGE, setting)
            self.assertIn(said, done.stderr)
        self.assertEqual((folder / "policy/manifest.json").read_bytes(), before)

    def test_a_policy_that_runs_away_sets_an_alarm_off_and_best_of_n_plays_beside_it(self):
        folder = self.copy("alarm")
        done = self.attune("run", TINY, f"run.folder={folder}", "run.redo=true", "rl.iterations=12", "rl.learning_rate=0.01", "rl.beta=1e-6",
                           "rl.kl_target=0.001", "rl.max_approx_kl=0", "rl.reward=length", "evaluation.best_of=[1, 4]")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads((folder / "report.json").read_text())
        self.assertTrue(any("KL is past its budget" in warning for warning in report["warnings"]), report["warnings"])
        scores = {model["name"]: model["scores"] for model in report["models"]}
        self.assertGreater(scores["best-of-4"]["world"]["reward"], scores["best-of-1"]["world"]["reward"])
        for name in ("sft", "ppo"):
            self.assertTrue(0 < scores[name]["context"]["weight"] < 1, scores[name]["context"])
        lines = [json.loads(line) for line in (folder / "policy/metrics.jsonl").read_text().splitlines()]
        self.assertEqual(list(lines[0]), ["step", "gold"])  # of the start model
        self.assertIn("reward/sentiment_correlation", lines[1])

    def test_preferences_are_written_and_learned_from(self):
        folder = self.copy("preferences")
        weights = folder / "policy/model/model.safetensors"
        pairs, clicks = self.base / "pairs.jsonl", self.base / "clicks.jsonl"
        done = self.attune("preferences", folder, "--out", pairs, "--states", "20", "--replies", "4")
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in map(json.loads, pairs.read_text().splitlines()):
            self.assertEqual(set(line), {"prompt", "chosen", "rejected"})
            self.assertEqual([message["role"] for message in line["chosen"]], ["assistant"])
        done = self.attune("preferences", folder, "--out", clicks, "--kind", "judgements", "--from", "logs")
        self.assertEqual(done.returncode, 0, done.stderr)
        labels = [json.loads(line)["label"] for line in clicks.read_text().splitlines()]
        self.assertIn(f"{len(labels)} judgements, {sum(labels)} desired", done.stdout)
        self.assertTrue(0 < sum(labels) < len(labels))
        digest = lambda: hashlib.sha256(weights.read_bytes()).hexdigest()
        seen = {digest()}
        for algorithm, file in [("dpo", pairs), ("kto", clicks), ("kto", pairs)]:
            done = self.attune("rl", folder, "run.redo=true", "rl.iterations=2", f"rl.algorithm={algorithm}",
                               f"rl.preferences={file}")
            self.assertEqual(done.returncode, 0, f"{algorithm}: {done.stderr}")
            self.assertNotIn(digest(), seen)
            seen.add(digest())
            last = json.loads((folder / "policy/metrics.jsonl").read_text().splitlines()[-1])
            self.assertIn("rewards/margins", last, algorithm)
        clicks.write_text(clicks.read_text() + clicks.read_text())  # the file has changed: its content is an input
        done = self.attune("rl", folder, "rl.iterations=2", "rl.algorithm=kto", f"rl.preferences={clicks}")
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn("rl.preferences", done.stderr)
        for arguments, said in [(["rl.algorithm=dpo", f"rl.preferences={clicks}"], "holds no pairs for dpo"),
                                (["rl.algorithm=dpo", "rl.preferences=nowhere"], "no such file"),
                                (["rl.algorithm=ppo", f"rl.preferences={pairs}"], "need scores")]:
            done = self.attune("rl", folder, "run.redo=true", *arguments)
            self.assertIn(done.returncode, (USAGE, DATA), done.stderr)
            self.assertIn(said, done.stderr)
        done = self.attune("preferences", folder, "--out", pairs, "--from", "logs")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("logs have one reply to a state", done.stderr)

    def test_an_experiment_runs_variants_and_goes_on_where_it_was_left(self):
        (self.base / "two.toml").write_text(
            f'title = "Two"\nrecipe = "{TINY}"\nseeds = [1]\n'
            'settings = ["rl.iterations=2", "evaluation.ablations=false", "evaluation.responses=10"]\n'
            'variants = ["imitation: rl.algorithm=sft", "ppo:"]\nmetrics = ["v2 hr@5", "world satisfaction", "rl kl"]\n'
            'primary = ["world satisfaction ppo imitation"]\n')
        command = [system.ATTUNE, "experiment", str(self.base / "two.toml"), "--out", str(self.base / "two")]
        first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(first.returncode, 0, first.stderr)
        results = (self.base / "two/results.md").read_text()
        self.assertRegex(results, r"\| ppo − imitation \* \| world satisfaction \| [+-]0\.\d{3} \|")
        report = json.loads((self.base / "two/report.json").read_text())
        self.assertEqual(report["missing"], [])
        found = {(row["variant"], row["metric"]): row["mean"] for row in report["scores"]}
        run = json.loads((self.base / "two/runs/ppo-1/report.json").read_text())
        models = {model["name"]: model["scores"] for model in run["models"]}
        self.assertEqual(found["ppo", "v2 hr@5"], models["ppo"]["v2"]["hr@5"])
        self.assertEqual(found["start", "world satisfaction"], models["sft"]["world"]["satisfaction"])
        # The second variant took over what it shares with the first.
        self.assertEqual(first.stderr.count("sft  unchanged, skipped"), 1)
        again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stderr.count("unchanged, skipped"), 14)
        self.assertEqual((self.base / "two/results.md").read_text(), results)
        # Under other settings the run no longer counts, and is made anew from where they differ.
        file = self.base / "two.toml"
        file.write_text(file.read_text().replace('"ppo:"', '"ppo: rl.beta=0.3"'))
        listed = subprocess.run([*command, "--dry-run"], cwd=ROOT, capture_output=True, text=True).stdout
        self.assertRegex(listed, r"imitation-1  done\n.*ppo-1  to do\n1 runs of ")
        anew = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(anew.returncode, 0, anew.stderr)
        self.assertIn("policy  done anew: rl.beta", anew.stderr)
        listed = subprocess.run([*command, "--dry-run"], cwd=ROOT, capture_output=True, text=True).stdout
        self.assertIn("\n0 runs of ", listed)

    def test_every_experiment_that_comes_along_is_accepted(self):
        for file in sorted((ROOT / "recipes/experiments").glob("*.toml")):
            done = self.attune("experiment", file.stem, "--dry-run", "--out", self.base / "none")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"\n\d+ runs of \S+ to do\n$")
        self.assertFalse((self.base / "none").exists())

    def test_an_experiment_with_a_refused_variant_does_nothing(self):
        (self.base / "bad.toml").write_text(f'recipe = "{TINY}"\nvariants = ["a:", "b: rl.algorithm=pppo"]\n')
        done = subprocess.run([system.ATTUNE, "experiment", str(self.base / "bad.toml"), "--out", str(self.base / "bad")],
                              cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("variant b", done.stderr)
        self.assertFalse((self.base / "bad").exists())

    def seed_of(self, name, seed):
        """A copy that passes for a run of another seed."""
        folder = self.copy(name)
        text, changed = re.subn(r"(\[run\]\n(?:[^\[].*\n)*?seed = )1\b", rf"\g<1>{seed}",
                                (folder / "recipe.toml").read_text())
        self.assertEqual(changed, 1)
        (folder / "recipe.toml").write_text(text)
        return folder

    def test_runs_are_compared_over_their_seeds(self):
        second, out = self.seed_of("second-seed", 2), self.base / "compared"
        done = self.attune("compare", self.whole, second, "--out", out, "--resamples", 200, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        compared = json.loads(done.stdout)
        self.assertEqual([run["seed"] for run in compared["variants"][0]["runs"]], [1, 2])
        report = json.loads((self.whole / "report.json").read_text())
        scores = {model["name"]: model["scores"] for model in report["models"]}
        self.assertGreater(len(compared["scores"]), 100)
        for score in compared["scores"]:
            value = scores[score["model"]][score["protocol"]][score["metric"]]
            for found in [score["mean"], *score["values"]]:
                self.assertAlmostEqual(found, value, places=9)
        declared = [(row["protocol"], row["metric"], row["model"], row["against"]) for row in compared["comparisons"]]
        self.assertIn(("v2", "hr@5", "ppo", "sft"), declared)
        self.assertTrue((out / "report.html").exists())
        elsewhere = self.attune("compare", self.whole, second, "--out", out, "--evaluation", "held-out")
        self.assertEqual(elsewhere.returncode, DATA, elsewhere.stderr)
        self.assertIn("held-out", elsewhere.stderr)

    def test_a_damaged_or_repeated_run_is_not_compared(self):
        twice = self.attune("compare", self.whole, self.copy("twice"), "--out", self.base / "never")
        self.assertEqual(twice.returncode, USAGE, twice.stderr)
        self.assertIn("the same run.seed, 1", twice.stderr)
        damaged = self.seed_of("damaged-list", 2)
        with open(damaged / "evaluation/v1/qrels.trec", "a") as qrels:
            qrels.write("nobody/1 0 1 1\n")
        done = self.attune("compare", self.whole, damaged, "--out", self.base / "never")
        self.assertEqual(done.returncode, DATA, done.stderr)
        self.assertIn("evaluation/v1/qrels.trec", done.stderr)
        (damaged / "evaluation/manifest.json").unlink()  # as somebody who made the files by hand has it
        done = self.attune("compare", self.whole, damaged, "--out", self.base / "never")
        self.assertEqual(done.returncode, DATA, done.stderr)
        self.assertIn("instances.jsonl has no item 1 in a query nobody/1", done.stderr)
        self.assertFalse((self.base / "never").exists())

    def test_chat_answers_with_items_and_probabilities(self):
        done = subprocess.run([system.ATTUNE, "chat", str(self.whole)], cwd=ROOT, capture_output=True, text=True,
                              input="hello, I love crime films\n\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("attune> ", done.stdout)

    def attune(self, *arguments):
        return subprocess.run([system.ATTUNE, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)

    def test_recommend_ranks_what_fits_and_says_why(self):
        dialogues = self.whole / "data/test.jsonl"
        done = self.attune("recommend", self.whole, dialogues, "--top", 3, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertGreater(len(rows), 20)
        for row in rows:
            self.assertEqual(len(row["items"]), 3)
            probabilities = [item["log_prob"] for item in row["items"]]
            self.assertEqual(probabilities, sorted(probabilities, reverse=True))
        self.assertTrue(any(item["reasons"] for row in rows for item in row["items"]))
        everything = self.attune("recommend", self.whole, dialogues, "--top", 10**6, "--repeats", "--json")
        items = len((self.whole / "data/catalogue.jsonl").read_text().splitlines())
        # What was disliked stays out; more than there is cannot come.
        self.assertIn(len(json.loads(everything.stdout.splitlines()[0])["items"]), range(items - 9, items + 1))
        self.assertIn(f"of {len(rows)} dialogues have fewer than 1000000 items that fit", everything.stderr)
        asked = self.base / "asked.jsonl"
        turns = [{"role": "seeker", "text": "only films from 1900 please"}]
        asked.write_text(json.dumps({"schema": "attune.dialogue/1", "id": "a", "turns": turns}) + "\n")
        self.assertEqual(self.attune("recommend", self.whole, asked, "--stated").stdout, "a\n  no item fits\n")
        asked.write_text("")
        none = self.attune("recommend", self.whole, asked)
        self.assertEqual(none.returncode, DATA)
        self.assertIn("holds no dialogues", none.stderr)
        for wrong in [("--top", 0), ("--diversity", 2), ("--model", "mine")]:
            self.assertEqual(self.attune("recommend", self.whole, dialogues, *wrong).returncode, USAGE, wrong)

    def test_a_catalogue_is_extended_without_training(self):
        items, out = self.base / "new.jsonl", self.base / "extended"
        items.write_text(json.dumps({"schema": "attune.catalogue/1", "id": "new-1", "title": "Brand New Film (2026)",
                                     "year": 2026, "attributes": {"genre": ["horror"]}}) + "\n")
        done = self.attune("extend", self.whole, "--items", items, "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        ranked = self.attune("recommend", out, self.whole / "data/test.jsonl", "--top", 10**6, "--json")
        self.assertEqual(ranked.returncode, 0, ranked.stderr)
        self.assertIn("new-1", [item["id"] for item in json.loads(ranked.stdout.splitlines()[0])["items"]])
        taken = self.attune("extend", out, "--items", items, "--out", self.base / "twice")
        self.assertEqual(taken.returncode, 3, taken.stderr)
        self.assertIn("new-1", taken.stderr)

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
