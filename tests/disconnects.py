"""Clients of `attune serve` that leave in the middle of an answer, again and again: nothing of them may stay.

    python3 tests/disconnects.py [--clients 200]

200 are a part of `make test`, 10,000 of `make check-all`.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import socket
import sys
import tempfile
import unittest

import served
import system
from served import CHAT, HELLO, Server, eventually

CLIENTS = 200
AT_ONCE = 50
GROWTH = 16 << 20  # bytes: what SQLite and the allocator keep, whatever the number of clients


def asked(number):
    """A request as bytes: every third is for a whole answer, the others for a stream."""
    body = json.dumps({**HELLO, "stream": number % 3 > 0, "max_tokens": 100, "temperature": 1, "seed": number}).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Disconnects(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory(prefix="attune-disconnects-")
        self.addCleanup(held.cleanup)
        base = pathlib.Path(held.name)
        self.server = Server(served.make_run(base / "run"), base / "feedback.db", "--max-open", "8")
        self.addCleanup(self.server.stop)

    def leave(self, number):
        """At once, or after a part of the answer."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=60) as client:
            client.sendall(asked(number))
            if number % 2:
                client.recv(1 + number % 500)

    def crowd(self, numbers):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.leave, numbers))
        eventually("no place is taken", lambda: self.server.gauge("attune_requests_running") == self.server.gauge("attune_requests_waiting") == 0)
        eventually("no socket is left", lambda: self.server.sockets() == 1)

    def test_clients_that_leave_free_their_places_descriptors_and_memory(self):
        self.assertEqual(self.server.ask("POST", CHAT, HELLO).status, 200)
        eventually("it only listens", lambda: self.server.sockets() == 1)
        warm = max(CLIENTS // 5, 100)
        self.crowd(range(warm))
        memory, descriptors = self.server.memory(), self.server.descriptors()
        self.crowd(range(warm, CLIENTS))
        self.assertLessEqual(self.server.memory() - memory, GROWTH)
        self.assertLessEqual(self.server.descriptors() - descriptors, 8)  # of the store, which lends a connection to each reader
        self.assertEqual(self.server.ask("POST", CHAT, HELLO).status, 200)
        cancelled = self.server.gauge('attune_replies_total{reason="cancelled"}')
        print(f"{CLIENTS} clients left, {cancelled:.0f} replies cancelled, {(self.server.memory() - memory) >> 10} KiB more")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=CLIENTS)
    given, rest = parser.parse_known_args()
    CLIENTS = given.clients
    sys.argv[1:] = rest
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    system.main()
