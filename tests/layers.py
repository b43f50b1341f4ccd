"""Holds every module to the DEPS of its line in src/CMakeLists.txt: the folders it includes, and torch."""
import pathlib
import re
import tempfile
import unittest

import system

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
TORCH = ("torch/", "ATen/", "c10/")
EVERYTHING = {"cli"}  # the program itself


def modules(cmake):
    """Name -> (has TORCH, DEPS) of each attune_module line."""
    found = {}
    for body in re.findall(r"^attune_module\(([^)]*)\)", cmake, re.MULTILINE):
        words = body.split()
        deps = []
        if "DEPS" in words:
            after = words[words.index("DEPS") + 1:]
            deps = after[:after.index("LIBS")] if "LIBS" in after else after
        found[words[0]] = ("TORCH" in words, set(deps))
    return found


def includes(path):
    return [(kind == "<", name) for kind, name in INCLUDE.findall(path.read_text())]


def sees_torch(path, source, seen=None):
    """The chain of files by which `path` includes torch; empty where it does not."""
    seen = set() if seen is None else seen
    if path in seen or not path.exists():
        return []
    seen.add(path)
    for _, name in includes(path):
        if name.startswith(TORCH):
            return [path, name]
        chain = sees_torch(source / name, source, seen)
        if chain:
            return [path, *chain]
    return []


def violations(source):
    """A sentence for each include that a module may not have."""
    declared = modules((source / "CMakeLists.txt").read_text())
    out = []
    for name, (torch, deps) in declared.items():
        for unknown in sorted(deps - declared.keys()):
            out.append(f"{name}: DEPS names {unknown}, which is no module")
        for path in sorted((source / name).rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            where = path.relative_to(source)
            for _, included in includes(path):
                folder = included.split("/")[0]
                if folder in declared and folder != name and folder not in deps and name not in EVERYTHING:
                    out.append(f"{where}: includes {included}, but {folder} is not in the DEPS of {name}")
            if not torch:
                chain = sees_torch(path, source)
                if chain:
                    out.append(f"{where}: sees torch ({' -> '.join(map(str, chain[1:]))}), but {name} has no TORCH")
    for folder in sorted(p.name for p in source.iterdir() if p.is_dir()):
        if folder not in declared and any((source / folder).rglob("*.cpp")):
            out.append(f"{folder}: has sources but no attune_module line")
    return out


class Layers(unittest.TestCase):
    def test_every_module_includes_only_what_its_deps_name(self):
        self.assertEqual(violations(system.ROOT / "src"), [])


class TheCheckItself(unittest.TestCase):
    """Each kind of violation is caught in a small tree."""

    CMAKE = ("attune_module(base LIBS fmt::fmt)\n"
             "attune_module(kernels TORCH DEPS base)\n"
             "attune_module(text DEPS base)\n"
             "attune_module(cli TORCH DEPS base)\n")
    SOUND = {"base/error.h": "#include <string>\n", "kernels/head.h": "#include <torch/types.h>\n",
             "text/bpe.cpp": '#include "text/bpe.h"\n#include "base/error.h"\n', "text/bpe.h": "",
             "cli/main.cpp": '#include "text/bpe.h"\n#include "kernels/head.h"\n'}

    def check(self, cmake=CMAKE, **changed):
        files = dict(self.SOUND, **{k.replace("__", "/").replace("_cpp", ".cpp").replace("_h", ".h"): v
                                    for k, v in changed.items()})
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder)
            (source / "CMakeLists.txt").write_text(cmake)
            for name, text in files.items():
                (source / name).parent.mkdir(exist_ok=True)
                (source / name).write_text(text)
            return violations(source)

    def test_a_sound_tree_passes_and_cli_may_include_everything(self):
        self.assertEqual(self.check(), [])

    def test_a_folder_that_deps_does_not_name(self):
        self.assertIn("text is not in the DEPS of base", self.check(base__error_h='#include "text/bpe.h"\n')[0])

    def test_torch_without_torch(self):
        for name in ("torch/types.h", "ATen/ATen.h", "c10/util/Exception.h"):
            self.assertIn("text/bpe.h: sees torch", self.check(text__bpe_h=f"#include <{name}>\n")[1])

    def test_torch_by_way_of_another_header(self):
        cmake = self.CMAKE.replace("text DEPS base", "text DEPS base kernels")
        found = self.check(cmake, text__bpe_h='#include "kernels/head.h"\n')
        self.assertTrue(any("text/bpe.cpp: sees torch" in f for f in found), found)

    def test_a_dependency_that_is_no_module(self):
        self.assertIn("metrics, which is no module",
                      self.check(self.CMAKE.replace("text DEPS base", "text DEPS base metrics"))[0])

    def test_a_folder_without_a_line(self):
        self.assertIn("extra: has sources", self.check(extra__file_cpp="")[0])


if __name__ == "__main__":
    system.main()
