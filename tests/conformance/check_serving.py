"""`attune serve` against OpenAI's own clients (npm and PyPI), eventsource-parser and promtool."""
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PROMTOOL = HERE.parents[1] / ".venv-conformance/promtool"


def key(run, file, name, *limits):
    import system
    done = system.attune("serve", run, "--keys", file, "--new-key", name, *limits)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def check_node(report, server, good, limited):
    done = subprocess.run(["node", HERE / "serving/client.mjs", server.url, good, limited], capture_output=True, text=True, timeout=120)
    sys.stderr.write(done.stderr)
    if done.returncode != 0:
        raise RuntimeError("client.mjs ended with " + str(done.returncode))
    for row in json.loads(done.stdout):
        report.add("openai (npm): " + row["what"], row["cases"], row["different"], 0)


def check_python(report, server, good):
    import openai
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=good, max_retries=0)
    model = client.models.list().data[0].id
    ask = {"model": model, "messages": [{"role": "user", "content": "something tense"}], "temperature": 0, "max_tokens": 24}
    whole = client.chat.completions.create(**ask)
    chunks = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    found = [words == whole.choices[0].message.content, chunks[-1].usage == whole.usage, whole.choices[0].finish_reason in ("stop", "length"),
             "recommendations" in whole.attune]
    for kind, more in ((openai.BadRequestError, {"temperature": 2.5}), (openai.NotFoundError, {"model": "gpt-4"}), (openai.BadRequestError, {"tools": [{"type": "function"}]})):
        try:
            client.chat.completions.create(**{**ask, **more})
            found.append(False)
        except kind as error:
            found.append(bool(error.code and error.type))
    try:
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="attune-wrong", max_retries=0).chat.completions.create(**ask)
        found.append(False)
    except openai.AuthenticationError:
        found.append(True)
    report.add("openai (PyPI): answers, streams and errors", len(found), found.count(False), 0)


def check_metrics(report, server, headers):
    """Also of a run whose name has to be escaped."""
    text = server.ask("GET", "/metrics", headers=headers).body
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, timeout=60)
    complaints = (done.stdout + done.stderr).decode().splitlines()
    for line in complaints:
        print("promtool:", line)
    names = sum(line.startswith(b"# TYPE") for line in text.splitlines())
    report.add("metrics that promtool complains of", names, len(complaints) + (done.returncode != 0), 0)


def check(report, probe, folder):
    sys.path.insert(0, str(HERE.parent))
    import served
    run = served.make_run(folder / 'a "run" \\ n')
    file = folder / "keys"
    good, limited = key(run, file, "good"), key(run, file, "limited", "--per-minute", "1")
    headers = {"Authorization": f"Bearer {good}"}
    server = served.Server(run, folder / "feedback.db", "--keys", str(file))
    try:
        check_node(report, server, good, limited)
        check_python(report, server, good)
        served.eventually("no reply is left", lambda: server.gauge("attune_requests_running", headers) == 0)
        check_metrics(report, server, headers)
    finally:
        server.stop()
