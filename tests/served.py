"""What tests of `attune serve` share: a tiny model, the program serving it, and a client that sends whatever it is told to."""
import collections
import http.client
import json
import os
import pathlib
import re
import subprocess
import time

import system

RECIPE = system.ROOT / "recipes" / "tiny.toml"
Answer = collections.namedtuple("Answer", "status headers body")
CHAT = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "something tense"}], "temperature": 0, "max_tokens": 16}


def make_run(folder):
    """A run with a model before alignment (`--model sft`), in a few seconds."""
    settings = [f"run.folder={folder}", "world.dialogues=120", "sft.epochs=1", "ranker.epochs=1"]
    for stage in ("data", "tokenizer", "sft"):
        done = system.attune(stage, RECIPE, *settings, cwd=system.ROOT)
        assert done.returncode == 0, done.stderr.decode()
    return folder


def eventually(what, holds, seconds=20):
    """Asks again until it holds, and returns what it gave."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(.02)
    raise AssertionError(f"never: {what}")


class Server:
    """`attune serve` on a free port. What it prints goes to `log`."""

    def __init__(self, run, store, *options):
        self.log = pathlib.Path(f"{store}.log")
        with open(self.log, "ab") as log:
            began = log.tell()
            self.process = subprocess.Popen(
                [system.ATTUNE, "serve", str(run), "--model", "sft", "--port", "0", "--store", str(store), *options],
                stdout=log, stderr=subprocess.STDOUT)
        self.url = eventually("it listens", lambda: self._url(began))
        self.port = int(self.url.rsplit(":", 1)[1])

    def _url(self, began):
        assert self.process.poll() is None, self.log.read_text()
        found = re.search(r" at (https?://\S+:\d+)\n", self.log.read_bytes()[began:].decode())
        return found and found[1]

    def connect(self, timeout=30):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, connection=None):
        """body: bytes as they are, or anything else as JSON; None: no body."""
        mine = connection or self.connect()
        given = {"Content-Type": "application/json"} if body is not None else {}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        try:
            mine.request(method, path, body, {**given, **(headers or {})})
            got = mine.getresponse()
            return Answer(got.status, got.headers, got.read())
        finally:
            if connection is None:
                mine.close()

    def gauge(self, name, headers=None):
        text = self.ask("GET", "/metrics", headers=headers).body.decode()
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def sockets(self):
        """How many it has open."""
        return sum(os.readlink(path).startswith("socket:") for path in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir())

    def memory(self):
        """Resident bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) << 10

    def stop(self, seconds=30):
        """SIGTERM, and the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(seconds)
