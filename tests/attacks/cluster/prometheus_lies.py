"""Prometheus lies, each time another way: part of an answer, another moment, no number, twice the same series, an error in a success, a cache
of yesterday, a matrix, an endless body. Nothing is changed by any of them."""
from apiserver import *


def endless():
    yield b'{"status":"success","data":{"resultType":"vector","result":["'
    for _ in range(400):
        yield b"x" * (1 << 20)


v = Prom.vector
lies = {
    "a warning": lambda at: (200, v(at, 0.5, warnings=["store eu-1 is away"])),
    "partial": lambda at: (200, v(at, 0.5, isPartial=True)),
    "the past": lambda at: (200, v(at - 60, 0.5)),
    "the future": lambda at: (200, v(at + 86400, 0.5)),
    "not a number": lambda at: (200, v(at, "NaN")),
    "a word": lambda at: (200, v(at, "much")),
    "nothing": lambda at: (200, {"status": "success", "data": {"resultType": "vector", "result": []}}),
    "two series": lambda at: (200, {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"a": "1"}, "value": [at, "0.5"]}, {"metric": {"a": "2"}, "value": [at, "0.01"]}]}}),
    "twice": lambda at: (200, {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {}, "value": [at, "0.5"]}, {"metric": {}, "value": [at, "0.5"]}]}}),
    "an error in a success": lambda at: (500, v(at, 0.5)),
    "a success that is an error": lambda at: (200, {"status": "error", "errorType": "x", "error": "no", "data": v(at, 0.5)["data"]}),
    "a matrix": lambda at: (200, {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[at, "0.5"]]}]}}),
    "cut": lambda at: (200, json.dumps(v(at, 0.5)).encode()[:-3]),
    "a page": lambda at: (200, b"<html>please log in</html>"),
    "time as text": lambda at: (200, {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [str(at), "0.5"]}]}}),
    "endless": lambda at: (200, endless()),
    "moved": lambda at: (302, b""),
}
now = [None]
api, pages = ApiServer(), Receiver()
prom = Prom(lambda expr, at: now[0](at))
bot = site(api, prom, pages, PLAYBOOK.replace("20 per 1h", "100 per 1h"))
until(lambda: api.lease, 20, "it has the lease")
before = bot.memory_mib()
for n, (name, lie) in enumerate(lies.items()):
    now[0], asked = lie, len(prom.asked)
    bot.post(body(alert("WebSlow", severity="warning", starts=f"2026-03-02T08:{n:02}:00Z")))
    until(lambda: len(prom.asked) > asked, 15, f"Prometheus is asked for `{name}`: {outcome(bot)}")
    time.sleep(1.2)
    check(not api.changes, f"`{name}` led to {api.changes}")
    for incident in range(1, n + 2):
        bot.cli("resolve", f"INC-{incident}") if f"INC-{incident} " in bot.cli("incidents")[1] else None
check(bot.memory_mib() - before < 150, f"it took {bot.memory_mib():.0f} MiB, {before:.0f} before")
held(f"{len(lies)} lies, no change, {bot.memory_mib():.0f} MiB")
