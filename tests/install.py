"""The installed program: moved to another folder, it runs on the libraries beside it and on nothing of the checkout."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import system

BUILD = pathlib.Path(system.ATTUNE).parent.parent
# What any Linux has: the C library, and the compilers' own libraries.
BASE = re.compile(r"(ld-linux.*|lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s))\.so(\.\d+)*$")


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # In the build's folder, where a library's second name costs no room.
        held = tempfile.TemporaryDirectory(dir=BUILD)
        cls.addClassCleanup(held.cleanup)
        cls.folder = pathlib.Path(held.name)
        subprocess.run(["cmake", "--install", BUILD, "--prefix", cls.folder / "first"], check=True,
                       stdout=subprocess.DEVNULL)
        cls.installed = (cls.folder / "first").rename(cls.folder / "moved")

    def run_moved(self, *arguments):
        """(what it printed, the libraries that it loaded), with nothing of ours in the environment."""
        loaded = self.folder / "loaded"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LD_")}
        done = subprocess.run([self.installed / "bin/attune", *arguments], cwd=self.folder, capture_output=True, text=True,
                              env={**environment, "LD_DEBUG": "libs", "LD_DEBUG_OUTPUT": str(loaded)})
        self.assertEqual(done.returncode, 0, done.stderr)
        log = "".join(path.read_text() for path in self.folder.glob("loaded.*"))
        return done.stdout, {pathlib.Path(path) for path in re.findall(r"calling init: (/.*)", log)}

    def assert_own(self, libraries):
        self.assertTrue(any(path.name == "libtorch_cpu.so" for path in libraries))
        for path in libraries:
            if not BASE.match(path.name):
                self.assertEqual(path.resolve().parent, self.installed / "lib", path)

    def test_the_doctor_answers(self):
        said, libraries = self.run_moved("doctor", "--json")
        self.assertIn("libtorch", json.loads(said))
        self.assert_own(libraries)

    def test_it_trains_by_a_recipe_that_came_with_it(self):
        recipe = self.installed / "share/attune/recipes/tiny.toml"
        for stage in ["data", "tokenizer", "sft"]:
            _, libraries = self.run_moved(stage, recipe, f"run.folder={self.folder / 'run'}", "world.dialogues=60",
                                          "sft.epochs=1", "ranker.epochs=1")
        self.assertTrue((self.folder / "run/sft/model/model.safetensors").exists())
        self.assert_own(libraries)


if __name__ == "__main__":
    system.main()
