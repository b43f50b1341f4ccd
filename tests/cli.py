"""The program from outside: exit codes, what it reads and writes, what it says about bad input."""
import json
import pathlib
import tempfile
import unittest

import system
from system import attune

USAGE, DATA = 2, 3
ITEM = {"id": "7", "title": "Heat (1995)"}


def dialogue(number, **changed):
    line = {"schema": "attune.dialogue/1", "id": f"d{number}", "items": [ITEM],
            "turns": [{"role": "seeker", "text": f"something tense please, number {number}"},
                      {"role": "recommender", "text": "Did you see Heat?", "items": ["7"]}]}
    return {**line, **changed}


class InAFolder(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def fails(self, done, code, *said):
        """It ended with that code and one message that has all of those parts, and without a result."""
        message = done.stderr.decode()
        self.assertEqual(done.returncode, code, message)
        self.assertTrue(message.startswith("attune: "), message)
        for part in said:
            self.assertIn(part, message)
        self.assertNotIn("internal", message)


class TheProgram(InAFolder):
    def test_help_lists_the_commands_and_every_command_has_help_with_an_example(self):
        done = attune("--help")
        self.assertEqual(done.returncode, 0)
        listed = done.stdout.decode().split("Commands:\n")[1].split("\n\n")[0]
        names = [line[2:].split("  ")[0] for line in listed.splitlines()]
        self.assertIn("data check", names)
        for name in names:
            one = attune(*name.split(), "--help")
            self.assertEqual(one.returncode, 0, name)
            self.assertIn("Example:\n  ", one.stdout.decode())
            self.assertIn(f"attune {name}", one.stdout.decode())

    def test_version(self):
        self.assertRegex(attune("--version").stdout.decode(), r"^attune \d+\.\d+\.\d+\n$")

    def test_without_a_command_it_shows_the_help_and_fails(self):
        done = attune()
        self.assertEqual((done.returncode, done.stdout), (USAGE, b""))
        self.assertIn(b"Commands:", done.stderr)

    def test_an_unknown_command_names_the_nearest(self):
        self.fails(attune("docter"), USAGE, '"docter"', "did you mean doctor?")
        self.fails(attune("tokenizer", "encod"), USAGE, "tokenizer encode")
        self.fails(attune("tokenizer"), USAGE, "tokenizer train")

    def test_wrong_arguments_name_the_help(self):
        self.fails(attune("doctor", "--jsn"), USAGE, "--jsn", "attune doctor --help")
        self.fails(attune("tokenizer", "encode"), USAGE, "FOLDER")
        self.fails(attune("signals", "sentiment"), USAGE, "--lexicon")

    def test_a_full_disk_on_standard_output_is_said(self):
        if not pathlib.Path("/dev/full").exists():
            self.skipTest("skipped: no /dev/full")
        with open("/dev/full", "wb") as full:
            done = system.subprocess.run([system.ATTUNE, "doctor"], stdout=full, stderr=system.subprocess.PIPE)
        self.fails(done, 4, "standard output")


class Doctor(InAFolder):
    def test_says_what_there_is_also_as_json(self):
        plain = attune("doctor")
        self.assertEqual(plain.returncode, 0)
        found = json.loads(attune("doctor", "--json").stdout)
        for key in ("attune", "libtorch", "processor", "computes in", "threads", "memory, GiB", "disk free, GiB"):
            self.assertIn(key, found)
            self.assertIn(key, plain.stdout.decode())
        self.assertIn(found["computes in"], ("bf16", "fp32"))

    def test_a_missing_data_folder_is_advice_and_no_failure(self):
        done = attune("doctor", "--json", env={"ATTUNE_DATA": str(self.folder / "nowhere")})
        found = json.loads(done.stdout)
        self.assertEqual((done.returncode, found["data folder"]), (0, None))
        self.assertTrue(any("ATTUNE_DATA" in line for line in found["advice"]))


class Tokenizer(InAFolder):
    def train(self):
        text = self.write("text.txt", "the cat sat on the mat with the hat\n" * 20)
        out = self.folder / "tokenizer"
        done = attune("tokenizer", "train", text, "--out", out, "--vocabulary", 270)
        self.assertEqual(done.returncode, 0, done.stderr)
        return out

    def test_what_is_encoded_decodes_to_the_same_lines(self):
        folder = self.train()
        lines = "the cat\n\n  spaces  \nüñí ☃ <|end|>\nlast without an end".encode()
        encoded = attune("tokenizer", "encode", folder, stdin=lines)
        self.assertEqual(encoded.returncode, 0, encoded.stderr)
        ids = [json.loads(line) for line in encoded.stdout.splitlines()]
        self.assertEqual(len(ids), 5)
        self.assertEqual(ids[1], [])
        decoded = attune("tokenizer", "decode", folder, stdin=encoded.stdout)
        self.assertEqual(decoded.stdout, lines + b"\n")

    def test_training_on_dialogues_reads_their_turns(self):
        file = self.write("d.jsonl", "".join(json.dumps(dialogue(i)) + "\n" for i in range(20)))
        done = attune("tokenizer", "train", file, "--out", self.folder / "t", "--vocabulary", 300)
        self.assertEqual(done.returncode, 0, done.stderr)
        ids = json.loads(attune("tokenizer", "encode", self.folder / "t", stdin=b"something\n").stdout)
        self.assertEqual(len(ids), 1)

    def test_lines_that_are_no_ids_are_refused_with_their_number(self):
        folder = self.train()
        for line, said in ((b"[1, 2", "not JSON"), (b"{}", "array"), (b"[99999]", "99999"), (b"[1.5]", "1.5"),
                           (b"[-1]", "-1")):
            self.fails(attune("tokenizer", "decode", folder, stdin=b"[1]\n" + line + b"\n"), DATA,
                       "standard input:2:", said if said != "not JSON" else "")

    def test_a_missing_or_damaged_folder_is_refused(self):
        self.fails(attune("tokenizer", "encode", self.folder / "none"), DATA, "none")
        folder = self.train()
        whole = (folder / "tokenizer.json").read_bytes()
        for damaged in (whole[:len(whole) // 2], whole.replace(b'"BPE"', b'"WordPiece"'), b"\xff\xfe"):
            (folder / "tokenizer.json").write_bytes(damaged)
            self.fails(attune("tokenizer", "encode", folder, stdin=b"x\n"), DATA, "tokenizer.json")

    def test_a_vocabulary_below_the_bytes_is_refused(self):
        text = self.write("text.txt", "words\n")
        self.fails(attune("tokenizer", "train", text, "--out", self.folder / "t", "--vocabulary", 9), USAGE, "256")
        self.assertFalse((self.folder / "t").exists())

    def test_gpt2_gives_the_published_ids(self):
        folder = system.data("tokenizers", "gpt2")
        cases = json.loads(system.data("test_vectors", "gpt2_bpe", "tiktoken_gpt2_cases.json").read_text())["cases"]
        for special in (False, True):
            chosen = [c for c in cases if ("allowed_special" in c) == special and "\n" not in c["text"]]
            self.assertTrue(chosen)
            done = attune("tokenizer", "encode", folder, *(["--special"] if special else []),
                          stdin="".join(c["text"] + "\n" for c in chosen).encode())
            self.assertEqual([json.loads(line) for line in done.stdout.splitlines()], [c["ids"] for c in chosen])


class Sentiment(InAFolder):
    def test_scores_by_a_lexicon(self):
        lexicon = self.write("lexicon.txt", "good\t1.9\t0.9\t[]\nbad\t-2.5\t0.6\t[]\n")
        done = attune("signals", "sentiment", "--lexicon", lexicon, stdin=b"good\nnot good\nthe table\n\n")
        # 1.9 / sqrt(1.9^2 + 15); negated: 1.9 * -.74 = -1.406
        self.assertEqual(done.stdout.decode().split(), ["0.4404", "-0.3412", "0.0000", "0.0000"])

    def test_agrees_with_vaders_own_examples(self):
        lexicon = system.data("vader", "vader_lexicon.txt")
        cases = json.loads(system.data("test_vectors", "sentiment", "vader_readme_cases.json").read_text())["cases"]
        done = attune("signals", "sentiment", "--lexicon", lexicon, stdin="".join(c["text"] + "\n" for c in cases).encode())
        self.assertEqual([float(x) for x in done.stdout.split()], [c["compound"] for c in cases])

    def test_a_missing_or_damaged_lexicon_is_refused(self):
        self.fails(attune("signals", "sentiment", "--lexicon", self.folder / "none"), DATA, "none")
        bad = self.write("bad.txt", "good\t1.9\nbad without a number\n")
        self.fails(attune("signals", "sentiment", "--lexicon", bad), DATA, "bad.txt:2")


class DataCheck(InAFolder):
    def lines(self, *lines):
        return self.write("d.jsonl", b"".join(
            (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines))

    def test_counts_also_as_json(self):
        file = self.lines(*(dialogue(i) for i in range(12)))
        plain = attune("data", "check", file)
        self.assertEqual(plain.returncode, 0, plain.stderr)
        self.assertIn("near-duplicates:", plain.stdout.decode())
        found = json.loads(attune("data", "check", file, "--json").stdout)
        self.assertEqual((found["items"], found["statistics"]["dialogues"], found["statistics"]["messages"]), (1, 12, 24))

    def test_the_same_dialogue_under_two_names_is_a_near_duplicate(self):
        words = "I would like a slow film about the sea and a ship and an old captain"
        same = [dialogue(i, turns=[{"role": "seeker", "text": words}]) for i in range(2)]
        found = json.loads(attune("data", "check", self.lines(*same), "--json").stdout)
        self.assertEqual([(n["a"], n["b"]) for n in found["near_duplicates"]], [("d0", "d1")])

    def test_bad_lines_are_refused_with_file_and_line(self):
        good = dialogue(0)
        cut = json.dumps(dialogue(1)).encode()[:40]
        deep = b'{"schema": "attune.dialogue/1", "id": "d1", "x": ' + b"[" * 80 + b"]" * 80 + b"}"
        twice = b'{"schema": "attune.dialogue/1", "id": "d1", "id": "d2", "turns": []}'
        not_utf8 = json.dumps(dialogue(1)).encode().replace(b"tense", b"t\xff\xfese")
        unknown = dialogue(1, turns=[{"role": "recommender", "text": "x", "items": ["99"]}])
        newer = dialogue(1, schema="attune.dialogue/9")
        for line, said in ((cut, ""), (deep, "deep"), (twice, '"id"'), (not_utf8, "UTF-8"), (unknown, '"99"'),
                           (newer, "attune.dialogue/9"), (good, '"d0"')):
            self.fails(attune("data", "check", self.lines(good, line)), DATA, "d.jsonl:2", said)

    def test_a_missing_file_and_a_folder_without_a_corpus_are_refused(self):
        self.fails(attune("data", "check", self.folder / "none.jsonl"), DATA, "none.jsonl", "no such file")
        self.fails(attune("data", "check", self.folder), DATA, "dialogues.jsonl")

    def test_an_unknown_setting_names_the_nearest(self):
        file = self.lines(dialogue(0))
        self.fails(attune("data", "check", file, "validaton=.2"), USAGE, "validaton", "did you mean validation?")
        self.fails(attune("data", "check", file, "validation=many"), USAGE, "a finite number")

    def redial(self, mention="@11111", movie="11111"):
        self.write("movies_with_mentions.csv", "movieId,movieName,nbMentions\n11111,Heat (1995),5\n")
        lines = [json.dumps({"conversationId": str(i), "initiatorWorkerId": 1, "respondentWorkerId": 2,
                             "movieMentions": {movie: "Heat (1995)"}, "initiatorQuestions": {},
                             "respondentQuestions": {}, "messages": [
                                 {"timeOffset": 0, "text": f"Have you seen {mention}? {i}", "senderWorkerId": 2,
                                  "messageId": i}]}) for i in range(3)]
        self.write("train_data.jsonl", "\n".join(lines) + "\n")
        return self.folder

    def test_redials_published_folder(self):
        found = json.loads(attune("data", "check", self.redial(), "--json").stdout)
        self.assertEqual((found["items"], found["statistics"]["dialogues"]), (1, 3))

    def test_redial_that_names_an_unknown_movie_is_refused(self):
        self.fails(attune("data", "check", self.redial(mention="@22222")), DATA, "train_data.jsonl:1", "22222")
        self.fails(attune("data", "check", self.redial(movie="33333")), DATA, "train_data.jsonl:1", "33333")

    def test_redial_has_its_published_counts(self):
        done = attune("data", "check", system.data("redial"), "--json")
        found = json.loads(done.stdout)
        self.assertEqual((found["items"], found["statistics"]["dialogues"]), (6924, 10000))


class Compare(InAFolder):
    def test_one_run_is_not_compared(self):
        self.fails(attune("compare", self.folder, "--out", self.folder / "out"), USAGE, "nothing to be compared with", "report.html")

    def test_what_is_no_run_or_was_not_evaluated_is_refused(self):
        arguments = ["compare", self.folder / "a", self.folder / "b", "--out", self.folder / "out"]
        self.fails(attune(*arguments), DATA, f"{self.folder}/a", "no such folder")
        (self.folder / "a").mkdir()
        self.fails(attune(*arguments), DATA, f"{self.folder}/a", "without recipe.toml is no run")
        self.write("a/recipe.toml", "name = \"mine\"\n")
        self.fails(attune(*arguments), DATA, f"{self.folder}/a/evaluation", "attune evaluate")
        self.assertFalse((self.folder / "out").exists())


class Experiment(InAFolder):
    def test_the_built_in_tasks_refuse_options_that_they_would_not_heed(self):
        for name in ("toy", "small-tasks"):
            for option in (["--dry-run"], ["--seed", "2"], ["--from", "x.json"], ["--small"], ["--minutes", "5"]):
                self.fails(attune("experiment", name, "--out", self.folder / "out", *option), USAGE, name, option[0], "fixed")
        self.assertFalse((self.folder / "out").exists())
        self.assertIn("small-tasks", " ".join(attune("experiment", "--help").stdout.decode().split()))

    def test_a_dry_run_refuses_a_seed_that_the_experiment_does_not_have(self):
        self.write("tiny.toml", 'name = "tiny"\n')
        file = self.write("mine.toml", 'recipe = "tiny.toml"\nseeds = [1, 2]\nvariants = ["a:"]\nmetrics = ["v2 hr@5"]\n')
        command = ["experiment", file, "--dry-run", "--out", self.folder / "out", "--seed"]
        self.fails(attune(*command, "3"), USAGE, "--seed is 3")
        listed = attune(*command, "2").stdout.decode()
        self.assertIn("a-2  to do\n1 runs of ", listed)
        self.assertNotIn("a-1", listed)


class Simulate(InAFolder):
    def simulate(self, name, *settings):
        return attune("simulate", "--out", self.folder / name, "items=20", "dialogues=30", "people=10", *settings)

    def test_writes_a_corpus_that_data_check_reads(self):
        self.assertEqual(self.simulate("world").returncode, 0)
        found = json.loads(attune("data", "check", self.folder / "world", "--json").stdout)
        self.assertEqual((found["items"], found["statistics"]["dialogues"]), (20, 30))
        done = attune("signals", "sentiment", "--lexicon", self.folder / "world/lexicon.txt", stdin=b"I loved it\n")
        self.assertGreater(float(done.stdout), 0)

    def test_the_same_settings_give_the_same_bytes_and_another_seed_others(self):
        for name, seed in (("a", 5), ("b", 5), ("c", 6)):
            self.assertEqual(self.simulate(name, f"seed={seed}").returncode, 0)
        a, b, c = ((self.folder / name / "dialogues.jsonl").read_bytes() for name in "abc")
        self.assertEqual(a, b)
        self.assertNotEqual(a, c)

    def test_wrong_settings_leave_nothing(self):
        self.fails(self.simulate("x", "dialoges=3"), USAGE, "dialoges", "did you mean dialogues?")
        self.fails(self.simulate("x", "items=0"), USAGE, "items")
        self.assertFalse((self.folder / "x").exists())

    def test_a_corpus_is_not_overwritten(self):
        self.simulate("world")
        self.fails(self.simulate("world", "seed=2"), USAGE, "already")


if __name__ == "__main__":
    system.main()
