"""Kills a program that writes into a feedback store, again and again, and holds the store to what was acknowledged.

    python3 tests/store_kills.py [--kills 50] [--seed 1]

Nothing acknowledged may be lost, nothing may be there twice, a batch is there as a whole or not at all. 50 kills are a
part of `make test`, 1,000 of `make check-all`.
"""
import argparse
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

import system

PROBE = os.environ.get("ATTUNE_FEEDBACK_PROBE", "build/release/tests/feedback_probe")
ROWS = 62  # events of a batch
KILLS, SEED = 50, 1


def ingest_and_kill(store, first, seconds):
    """The numbers of the batches that were acknowledged before the kill, in order."""
    process = subprocess.Popen([PROBE, store, str(first)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    told, said = process.communicate()
    if process.returncode != -signal.SIGKILL or b"!" in told:
        raise AssertionError(f"the program ended by itself: {told[-200:]} {said.decode()}")
    lines = told.decode().split("\n")[:-1]  # what is cut was not told
    return [int(line) for line in lines]


def batch_of(identifier):
    return int(identifier[:8], 16)


class Kills(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.store = str(pathlib.Path(held.name) / "feedback.db")

    def open(self):
        connection = sqlite3.connect(self.store)
        self.addCleanup(connection.close)
        return connection

    def whole(self):
        """The numbers of the batches that are there as a whole; fails where one is there in part."""
        connection = self.open()
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(connection.execute("PRAGMA foreign_key_check").fetchall(), [])
        counts = {}
        for identifier, count in connection.execute("SELECT substr(id, 1, 8), count(*) FROM events GROUP BY 1"):
            counts[batch_of(identifier)] = count
        for table, key in (("turns", "id"), ("decisions", "turn")):
            rows = [batch_of(row[0]) for row in connection.execute(f"SELECT {key} FROM {table}")]
            self.assertEqual(sorted(rows), sorted(counts), table)
        self.assertEqual({n: count for n, count in counts.items() if count != ROWS}, {}, "there in part, or doubled")
        numbers = [row[0] for row in connection.execute(
            "SELECT seq FROM turns UNION ALL SELECT seq FROM decisions UNION ALL SELECT seq FROM events "
            "UNION ALL SELECT seq FROM conversations UNION ALL SELECT seq FROM consents")]
        self.assertEqual(len(numbers), len(set(numbers)), "a number was given twice")
        return set(counts)

    def test_what_was_acknowledged_is_there_once_after_every_kill(self):
        draw = random.Random(SEED)
        acknowledged, hit = set(), 0
        for kill in range(KILLS):
            # From the first that was not acknowledged: as clients do, what may be there is sent again.
            first = max(acknowledged, default=-1) + 1
            told = ingest_and_kill(self.store, first, draw.uniform(.01, .08))
            hit += bool(told)
            acknowledged.update(told)
            if kill % max(25, KILLS // 8) == 24 or kill == KILLS - 1:
                there = self.whole()
                self.assertEqual(sorted(acknowledged - there), [], f"acknowledged and lost after {kill + 1} kills")
        self.assertGreater(hit, KILLS / 2, "most kills came before anything was written")
        print(f"store_kills: {KILLS} kills, {len(acknowledged) * ROWS} acknowledged events, 0 lost, 0 doubled")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=SEED)
    given, rest = parser.parse_known_args()
    KILLS, SEED = given.kills, given.seed
    sys.argv[1:] = rest
    system.main()
