"""Kills the rl stage of the tiny recipe at random points, for every algorithm, and holds what it ends with to a run that nobody killed.

    python3 tests/kills.py [--kills 20] [--seed 1] [ALGORITHM ...]

Part of `make check-all`: too long for every test run. Exits with 1 where a weight differs.
"""
import argparse
import hashlib
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import system

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALGORITHMS = ["ppo", "grpo", "rloo", "reinforce_pp", "dpo", "kto", "best_of_n", "reward_weighted", "sft",
              "kto rl.items=clicks", "ppo rl.critic=apart rl.critic_warmup=3", "ppo rl.rollout_weights=int8"]
RESULTS = ["policy/model/model.safetensors", "policy/ranker/ranker.safetensors", "policy/metrics.jsonl"]
TIMES = ("seconds/", "tokens_per_second/")


def digest(folder, name):
    text = (folder / name).read_bytes()
    if name.endswith(".jsonl"):  # how long things took is another time's
        rows = [json.loads(line) for line in text.decode().splitlines()]
        text = repr([{key: value for key, value in row.items() if not key.startswith(TIMES)} for row in rows]).encode()
    return hashlib.sha256(text).hexdigest()


def command(folder, algorithm):
    return [system.ATTUNE, "rl", str(folder), "run.redo=true", *f"rl.algorithm={algorithm}".split(), "rl.iterations=8",
            "rl.checkpoint_every=1"]


def start(folder, algorithm):
    return subprocess.Popen(command(folder, algorithm), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def ended(algorithm, process, expected=0):
    """Waits for a run; stops the program where it ended by another code than 0 and the expected one."""
    said = process.communicate()[1].decode()
    if process.returncode not in (0, expected):
        sys.exit(f"{algorithm}: exit code {process.returncode}\n{said}")


def finish(folder, algorithm):
    """Seconds that it took."""
    begun = time.time()
    ended(algorithm, start(folder, algorithm))
    return time.time() - begun


def kill_and_resume(made, algorithm, kills, draw):
    """How many kills hit, and the results that differ in the end."""
    with tempfile.TemporaryDirectory() as base:
        whole, killed = pathlib.Path(base, "whole"), pathlib.Path(base, "killed")
        for folder in (whole, killed):
            shutil.copytree(made, folder)
            shutil.rmtree(folder / "policy")
        seconds = finish(whole, algorithm)
        hits = 0
        while hits < kills:
            process, kill = start(killed, algorithm), 0
            try:
                process.wait(draw.uniform(.3, 1) * seconds / 2)
            except subprocess.TimeoutExpired:
                kill = signal.SIGKILL
                process.send_signal(kill)
                hits += 1
            ended(algorithm, process, -kill)
            if (killed / "policy/manifest.json").exists():  # done before all kills: once more from the start
                if differing := [name for name in RESULTS if digest(killed, name) != digest(whole, name)]:
                    return hits, differing
                shutil.rmtree(killed / "policy")
        finish(killed, algorithm)
        return hits, [name for name in RESULTS if digest(killed, name) != digest(whole, name)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("algorithms", nargs="*", default=ALGORITHMS)
    parser.add_argument("--kills", type=int, default=20, help="of each algorithm")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    failed = False
    with tempfile.TemporaryDirectory() as base:
        made = pathlib.Path(base, "tiny")
        done = subprocess.run([system.ATTUNE, "run", str(ROOT / "recipes/tiny.toml"), f"run.folder={made}",
                               "evaluation.responses=5", "evaluation.world_episodes=5"], cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr)
        for algorithm in given.algorithms:
            hits, differing = kill_and_resume(made, algorithm, given.kills, draw)
            failed |= bool(differing)
            print(f"{algorithm}: {hits} kills, " + ("differs: " + ", ".join(differing) if differing else "the same bits"), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
