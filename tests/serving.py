"""`attune serve` from outside: what is refused, what survives, what is cleaned up, and what never comes out of it."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import unittest

import hostile_requests
import served
import system
from served import CHAT, HELLO, Server, eventually

RESOURCE, DATA, USAGE = 4, 3, 2
ID = "0198a1b2-0000-7000-8000-000000000001"
OPEN_ROUTES = [("GET", "/health"), ("GET", "/v1/models"), ("GET", "/"), ("GET", "/loop")]
CLOSED_ROUTES = [("GET", "/v1/me"), ("GET", "/v1/me/data"), ("DELETE", "/v1/me"), ("POST", "/v1/session"), ("POST", "/v1/consent"),
                 ("GET", "/v1/conversations"), ("GET", f"/v1/conversations/{ID}"), ("DELETE", f"/v1/conversations/{ID}"),
                 ("POST", CHAT), ("POST", "/v1/recommend"), ("POST", "/v1/events"), ("GET", "/v1/loop"), ("GET", "/metrics"), ("GET", "/report")]
STREAM = {**HELLO, "stream": True, "max_tokens": 100, "temperature": 1}


def bodies(method):
    return b"{}" if method == "POST" else None


def raw(path, body, host="localhost"):
    """A request as bytes."""
    content = json.dumps(body).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n").encode() + content


class Serving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        held = tempfile.TemporaryDirectory(prefix="attune-serving-")
        cls.addClassCleanup(held.cleanup)
        cls.base = pathlib.Path(held.name)
        cls.run_folder = served.make_run(cls.base / "run")
        cls.server = cls.started(cls.base / "feedback.db")

    @classmethod
    def started(cls, store, *options):
        server = Server(cls.run_folder, store, *options)
        cls.addClassCleanup(server.stop)
        return server

    def keyed(self, name):
        """A server with a key of its own, and the header that names it."""
        file = self.base / f"{name}.keys"
        made = system.attune("serve", self.run_folder, "--keys", file, "--new-key", "shop")
        self.assertEqual(made.returncode, 0, made.stderr)
        key = made.stdout.decode().strip()
        server = Server(self.run_folder, self.base / f"{name}.db", "--keys", str(file))
        self.addCleanup(server.stop)
        return server, {"Authorization": f"Bearer {key}"}, file

    def answers(self, server=None):
        """It is alive, and talks."""
        server = server or self.server
        self.assertIsNone(server.process.poll())
        self.assertEqual(json.loads(server.ask("GET", "/health").body)["status"], "ok")
        self.assertEqual(server.ask("POST", CHAT, HELLO).status, 200)

    def test_hostile_bodies_and_parameters_are_refused_on_every_route(self):
        cases = [(route, what, body) for route in hostile_requests.SOUND for what, body in hostile_requests.broken()]
        cases += [(route, what, body) for route in hostile_requests.SOUND for what, body in hostile_requests.spoilt(route)]
        for route, body in hostile_requests.SOUND.items():
            self.assertEqual(self.server.ask("POST", route, body).status, 200, route)
        self.assertGreaterEqual(len(cases), 500)
        for route, what, body in cases:
            with self.subTest(route=route, what=what):
                answer = self.server.ask("POST", route, body)
                self.assertIn(answer.status, range(400, 500), answer.body[:200])
                error = json.loads(answer.body)["error"]
                self.assertEqual(set(error), {"message", "type", "code", "param"})
                self.assertLess(len(answer.body), 1000)
        self.answers()

    def test_bodies_of_other_types_are_refused(self):
        for route in hostile_requests.SOUND:
            for kind in ("", "text/html", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "text/plainer"):
                with self.subTest(route=route, kind=kind):
                    self.assertEqual(self.server.ask("POST", route, hostile_requests.SOUND[route], {"Content-Type": kind}).status, 415)

    def test_events_that_are_wrong_are_refused_one_by_one(self):
        wrong = [5, None, [], "x", {}, {"schema": "attune.event/9"}, {"schema": "attune.event/1", "type": "rating"},
                 {"schema": "attune.event/1", "type": "rating", "event_id": ID, "occurred_at": "2026-01-01T00:00:00Z", "props": {"value": 5}}]
        answer = self.server.ask("POST", "/v1/events", {"sent_at": "2026-01-01T00:00:00.000Z", "events": wrong})
        self.assertEqual(answer.status, 200)
        found = json.loads(answer.body)
        self.assertEqual((found["accepted"], len(found["rejected"])), (0, len(wrong)))
        many = {"sent_at": "2026-01-01T00:00:00.000Z", "events": [{}] * 501}
        self.assertEqual(self.server.ask("POST", "/v1/events", many).status, 400)
        self.assertEqual(self.server.ask("POST", "/v1/events", {**many, "events": ["x" * 300_000]}).status, 413)

    def test_a_body_of_100_megabytes_is_refused_and_takes_no_memory(self):
        before = self.server.memory()
        piece = b"x" * (1 << 20)
        for head in (b"Content-Length: 104857600", b"Transfer-Encoding: chunked"):
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as client:
                client.sendall(b"POST " + CHAT.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + head + b"\r\n\r\n")
                sent, answer = 0, b""
                try:
                    for _ in range(100):
                        client.sendall(piece if head.startswith(b"Content") else b"100000\r\n" + piece + b"\r\n")
                        sent += 1
                except OSError:
                    pass  # it has hung up
                try:
                    answer = client.recv(4096)
                except OSError:
                    pass  # what it said was lost with the connection
                self.assertTrue(answer.startswith(b"HTTP/1.1 413") or sent < 100, answer[:80])
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as client:
            client.sendall(b"POST " + CHAT.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n")
            self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 413"))
        self.assertLess(self.server.memory() - before, 16 << 20)
        self.answers()

    def test_without_a_key_every_route_but_the_public_ones_is_closed(self):
        server, key, file = self.keyed("closed")
        self.assertEqual(oct(file.stat().st_mode & 0o777), "0o600")
        self.assertNotIn(key["Authorization"].split()[1], file.read_text())
        for method, path in OPEN_ROUTES:
            self.assertEqual(server.ask(method, path).status, 200, path)
        for method, path in CLOSED_ROUTES:
            for headers in ({}, {"Authorization": "Bearer attune-" + "0" * 48}, {"Authorization": "Basic eDp5"}, {"Cookie": "attune_session=v1.a.b.c"}):
                with self.subTest(method=method, path=path, headers=headers):
                    self.assertEqual(server.ask(method, path, bodies(method), headers).status, 401)
        self.assertEqual(server.ask("POST", CHAT, HELLO, key).status, 200)

    def test_a_file_without_keys_does_not_open_the_server(self):
        file = self.base / "none.keys"
        file.write_text("# nobody\n")
        done = system.attune("serve", self.run_folder, "--model", "sft", "--store", self.base / "none.db", "--keys", file)
        self.assertEqual(done.returncode, DATA, done.stderr)
        self.assertIn(b"--new-key", done.stderr)

    def test_replies_by_weights_of_8_bits_say_so(self):
        server = Server(self.run_folder, self.base / "int8.db", "--weights", "int8")
        self.addCleanup(server.stop)
        self.assertEqual(server.ask("POST", CHAT, HELLO).status, 200)
        self.assertEqual(server.stop(), 0)
        with contextlib.closing(sqlite3.connect(self.base / "int8.db")) as store:
            (details,) = store.execute("SELECT details FROM decisions").fetchone()
        self.assertTrue(json.loads(details)["model"].endswith("+int8"), details)

    def test_options_that_would_do_nothing_are_refused(self):
        for options in (["--per-minute", 5], ["--cors", "https://shop.example/"], ["--cors", "*"], ["--new-key", "shop"], ["--weights", "int4"], ["--certificate", "cert.pem"]):
            done = system.attune("serve", self.run_folder, *options)
            self.assertEqual(done.returncode, USAGE, done.stderr)

    def test_foreign_hosts_and_pages_are_refused_on_every_route(self):
        for method, path in OPEN_ROUTES + CLOSED_ROUTES:
            for host in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "evil.example:80"):
                with self.subTest(method=method, path=path, host=host):
                    self.assertEqual(self.server.ask(method, path, bodies(method), {"Host": host}).status, 403)
            if method == "GET":
                continue
            for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
                with self.subTest(method=method, path=path, headers=headers):
                    self.assertEqual(self.server.ask(method, path, bodies(method), headers).status, 403)
        for _, path in OPEN_ROUTES + CLOSED_ROUTES:
            self.assertNotIn("Access-Control-Allow-Origin", self.server.ask("GET", path, headers={"Origin": "https://evil.example"}).headers)

    def test_paths_reach_no_file(self):
        (self.run_folder / "secret.txt").write_text("canary-file")
        source = random.Random(1)
        ups = ["..", "%2e%2e", ".%2e", "%252e%252e", "..%c0%af", "....", "..;", "%00", ".", "", "..\\", "%5c..", "~", "*", "?x=..", "#"]
        starts = ["/", "/assets/", "/v1/", "/v1/conversations/", "/report/", "/loop/", "//", "/static/", "/assets/../", "file://"]
        ends = ["etc/passwd", "secret.txt", "recipe.toml", "feedback.db", "sft/model/config.json", "report.html", "proc/self/environ", "index.html%00.js"]
        for number in range(1000):
            path = source.choice(starts) + "/".join(source.choice(ups) for _ in range(source.randrange(1, 9))) + "/" + source.choice(ends)
            answer = self.server.ask("GET", path)
            with self.subTest(path=path):
                self.assertIn(answer.status, (400, 403, 404) if path.split("?")[0] != "/" else (200,))
                for content in (b"canary-file", b"root:", b"SQLite format", b"n_layer"):
                    self.assertNotIn(content, answer.body)
        absolute = self.server.ask("GET", str(self.run_folder / "secret.txt"))
        self.assertEqual(absolute.status, 404)

    def test_sigterm_ends_what_is_under_way_and_then_the_server(self):
        server = Server(self.run_folder, self.base / "drain.db", "--max-open", "32")
        self.addCleanup(server.stop)
        clients = []
        for _ in range(64):
            client = socket.create_connection(("127.0.0.1", server.port), timeout=30)
            client.sendall(raw(CHAT, {**STREAM, "max_tokens": 120, "temperature": 2}))
            clients.append(client)
        first = [client.recv(1) for client in clients[:32]]
        self.assertEqual(first, [b"H"] * 32)
        server.process.send_signal(signal.SIGTERM)
        ends = []
        for client in clients:
            told = b""
            while piece := client.recv(65536):
                told += piece
            ends.append(told)
            client.close()
        self.assertEqual(server.process.wait(30), 0)
        for told in ends:
            self.assertTrue(b"data: [DONE]" in told or b" 503 " in told, told[-200:])
        self.assertTrue(all(b"data: [DONE]" in told for told in ends[:32]))
        with self.assertRaises(OSError):
            server.ask("GET", "/health")

    def test_sessions_and_conversations_survive_a_restart(self):
        store = self.base / "restart.db"
        server = Server(self.run_folder, store)
        cookie = {"Cookie": server.ask("POST", "/v1/session", {}).headers["Set-Cookie"].split(";")[0]}
        own = json.loads(server.ask("POST", CHAT, HELLO, cookie).body)["attune"]
        self.assertEqual(server.stop(), 0)
        server = Server(self.run_folder, store)
        self.addCleanup(server.stop)
        shown = json.loads(server.ask("GET", f"/v1/conversations/{own['conversation_id']}", headers=cookie).body)
        self.assertEqual([turn["role"] for turn in shown["turns"]], ["user", "assistant"])
        more = {**HELLO, "attune": {"conversation_id": own["conversation_id"], "parent_id": own["turn_id"]}}
        self.assertEqual(server.ask("POST", CHAT, more, cookie).status, 200)
        self.assertEqual(server.ask("GET", f"/v1/conversations/{own['conversation_id']}").status, 404)  # nobody else's

    def test_tls_by_certificate_files(self):
        certificate, key = self.base / "cert.pem", self.base / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
        server = Server(self.run_folder, self.base / "tls.db", "--certificate", str(certificate), "--private-key", str(key))
        self.addCleanup(server.stop)
        self.assertTrue(server.url.startswith("https://"))
        trusting = ssl.create_default_context(cafile=certificate)
        connection = http.client.HTTPSConnection("localhost", server.port, context=trusting, timeout=20)
        self.addCleanup(connection.close)
        self.assertEqual(server.ask("POST", CHAT, HELLO, connection=connection).status, 200)
        self.assertIn("Secure", server.ask("POST", "/v1/session", {}, connection=connection).headers["Set-Cookie"])
        self.assertIn(connection.sock.version(), ("TLSv1.2", "TLSv1.3"))
        with self.assertRaises((OSError, http.client.HTTPException)):
            server.ask("GET", "/health")  # without TLS
        self.assertEqual(server.ask("GET", "/health", connection=connection).status, 200)
        done = system.attune("serve", self.run_folder, "--model", "sft", "--store", self.base / "x.db", "--port", "0", "--certificate", key, "--private-key", key)
        self.assertEqual(done.returncode, DATA, done.stderr)

    def test_simulated_people_talk_with_it_and_are_compared_with_themselves(self):
        def users(*options):
            done = system.attune("simulate", "users", "--against", self.server.url, "--run", self.run_folder, "--pace", 0, "--json", *options)
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout), done.stderr.decode()

        one, _ = users("--conversations", 1)
        self.assertEqual(one["satisfaction"], {"mean": one["each"][0]["satisfaction"], "low": None, "high": None})
        several, _ = users("--conversations", 6, "--lost", .3)
        self.assertEqual((several["visits"], several["broken"]), (6, 0))
        self.assertGreater(several["events"], 6)
        self.assertLess(several["satisfaction"]["low"], several["satisfaction"]["mean"])
        before = self.base / "before.json"
        before.write_text(json.dumps(several))
        again, said = users("--conversations", 6, "--beside", before)
        self.assertEqual([visit["person"] for visit in again["each"]], [visit["person"] for visit in several["each"]])
        self.assertIn("minus that of", said)

    def test_a_second_server_on_the_same_store_or_port_is_refused(self):
        for options in (["--store", self.base / "feedback.db", "--port", "0"], ["--store", self.base / "other.db", "--port", self.server.port]):
            done = system.attune("serve", self.run_folder, "--model", "sft", *options)
            self.assertEqual(done.returncode, RESOURCE, done.stderr)
            self.assertTrue(done.stderr.startswith(b"attune: "), done.stderr)
        self.answers()

    def test_nothing_that_people_write_and_no_key_comes_into_logs_metrics_or_errors(self):
        server, key, file = self.keyed("quiet")
        canary, wrong = "canary-4711", "attune-canary-4711"
        said = {"messages": [{"role": "user", "content": canary}], "user": canary, "max_tokens": 4}
        shown = [server.ask("POST", CHAT, {**said, "temperature": 99}, key),
                 server.ask("POST", CHAT, json.dumps(said).encode()[:-1], key),
                 server.ask("POST", CHAT, {**said, "stop": [canary * 9]}, key),
                 server.ask("POST", CHAT, said, {"Authorization": f"Bearer {wrong}"}),
                 server.ask("POST", "/v1/session", {"key": wrong}),
                 server.ask("POST", "/v1/recommend", {**said, "top": 0}, key),
                 server.ask("POST", "/v1/events", {"sent_at": canary, "events": []}, key),
                 server.ask("GET", f"/{canary}?{canary}={canary}", headers=key),
                 server.ask("GET", f"/v1/conversations?before={canary}", headers=key),
                 server.ask(canary.upper().replace("-", ""), "/v1/me", headers=key)]
        self.assertTrue(all(400 <= answer.status < 500 for answer in shown), shown)
        self.assertEqual(server.ask("POST", CHAT, said, key).status, 200)
        shown.append(server.ask("GET", "/metrics", headers=key))
        shown.append(server.ask("GET", "/v1/loop", headers=key))
        self.assertEqual(server.stop(), 0)
        for text in [answer.body for answer in shown] + [server.log.read_bytes()]:
            self.assertNotIn(canary.encode(), text)
            self.assertNotIn(key["Authorization"].split()[1].encode(), text)

    def test_a_client_that_sends_nothing_does_not_hold_up_others(self):
        silent = [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(200)]
        for number, client in enumerate(silent):
            self.addCleanup(client.close)
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: loc"[:number % 40])
        self.answers()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    system.main()
