"""The API server answers a list with a body that has no end (a proxy gone mad): the bot reads no more of it than it could use, and lives."""
from apiserver import *

sent = [0]
MOST = 700 << 20


def endless():
    yield b'{"apiVersion":"v1","kind":"PodList","metadata":{},"items":["'
    piece = b"x" * (1 << 20)
    while sent[0] < MOST:
        sent[0] += len(piece)
        yield piece


api = ApiServer(lambda method, path, query, body: (200, {}, endless()) if path.endswith("/pods") else None)
bot = site(api, Prom(), Receiver(), limits="ulimit -v 8000000")
before = bot.memory_mib()
bot.post(body(alert("WebSlow", severity="warning")))
until(lambda: sent[0], 20, "it lists pods")
end = time.monotonic() + 25
while time.monotonic() < end and sent[0] < MOST and bot.process.poll() is None:
    time.sleep(0.5)
check(bot.process.poll() is None, "it died")
check(not api.changes, f"it changed {api.changes}")
check(bot.memory_mib() - before < 150, f"it took {bot.memory_mib():.0f} MiB ({before:.0f} before) of {sent[0] >> 20} MiB that were sent")
held(f"{bot.memory_mib():.0f} MiB of {sent[0] >> 20} MiB that were sent")
