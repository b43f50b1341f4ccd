"""What a report does in a browser: its tables are copied and its plots saved as the files beside it say.

`make browser` runs it, with Chromium."""
import base64
import json
import os
import pathlib
import re
import select
import struct
import subprocess
import tempfile
import unittest

import system

# Presses every button one after another; gives what was copied and saved.
PRESS_ALL = """
(async () => {
  const copied = [], saved = [];
  Object.defineProperty(navigator, "clipboard", {value: {writeText: async (text) => { copied.push(text); }}});
  let waiting = null;
  URL.createObjectURL = (blob) => { blob.arrayBuffer().then((buffer) => waiting(new Uint8Array(buffer))); return "#"; };
  HTMLAnchorElement.prototype.click = function () { saved.push({name: this.download}); };
  for (const button of document.querySelectorAll(".tools button")) {
    if (button.closest("figure")) {
      const content = await new Promise((resolve) => { waiting = resolve; button.click(); });
      let text = "";
      for (const byte of content) text += String.fromCharCode(byte);
      saved.at(-1).content = btoa(text);
    } else {
      button.click();
      await null;
    }
  }
  return {copied, saved};
})()
"""


class Chromium:
    """A page in a headless browser, by the DevTools protocol over a pipe: JSON messages that end with a 0 byte."""

    def __init__(self, url, profile):
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        self._process = subprocess.Popen(
            ["sh", "-c", f'exec chromium "$@" 3<&{commands} 4>&{answers}', "sh", "--headless", "--no-sandbox",
             "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(commands, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(answers)
        self._held, self._number, self._session = b"", 0, None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        self.ask("Page.navigate", url=url)
        while self._message().get("method") != "Page.loadEventFired":
            pass

    def _message(self, seconds=60):
        while b"\0" not in self._held:
            if not select.select([self._from], [], [], seconds)[0]:
                raise TimeoutError(f"the browser said nothing for {seconds} s")
            part = os.read(self._from, 1 << 20)
            if not part:
                raise EOFError("the browser ended")
            self._held += part
        message, self._held = self._held.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._message()).get("id") != self._number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def evaluate(self, script):
        """What a script gives, whatever the page's policy says of scripts of its own."""
        answer = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"]["value"]

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        held = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(held.cleanup)
        base = pathlib.Path(held.name)
        cls.folder = base / "run"
        done = system.attune("run", system.ROOT / "recipes/tiny.toml", f"run.folder={cls.folder}",
                             "evaluation.resamples=100", "evaluation.ablations=false")
        assert done.returncode == 0, done.stderr
        browser = Chromium((cls.folder / "report.html").as_uri(), base / "profile")
        cls.addClassCleanup(browser.close)
        cls.pressed = browser.evaluate(PRESS_ALL)

    def test_every_table_is_copied_as_its_files_are(self):
        copied = self.pressed["copied"]
        # In a page CR LF is read as LF.
        files = {path: path.read_bytes().decode().replace("\r\n", "\n")
                 for path in (self.folder / "tables").iterdir()}
        self.assertGreater(len(files), 30)
        self.assertEqual(len(copied), len(files))
        self.assertEqual(sorted(copied), sorted(files.values()))

    def test_every_plot_is_saved_as_svg_and_png(self):
        saved = {entry["name"]: base64.b64decode(entry["content"]) for entry in self.pressed["saved"]}
        plots = {path.stem: path.read_text() for path in (self.folder / "plots").iterdir()}
        self.assertGreater(len(plots), 2)
        self.assertEqual(sorted(saved), sorted(f"{name}.{kind}" for name in plots for kind in ("svg", "png")))
        for name, plot in plots.items():
            view = re.search(r'viewBox="([-\d. ]+)"', plot)[1].split()
            drawn = saved[name + ".svg"].decode()
            self.assertIn(f'viewBox="{" ".join(view)}"', drawn)
            self.assertEqual(re.findall(r"<text[^>]*>([^<]*)<", drawn), re.findall(r"<text[^>]*>([^<]*)<", plot), name)
            png = saved[name + ".png"]
            self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
            width, height = struct.unpack(">II", png[16:24])
            self.assertEqual((width, height), (3 * round(float(view[2])), 3 * round(float(view[3]))), name)
            self.assertGreater(len(png), 4000, "a plot of one colour")


if __name__ == "__main__":
    system.main()
