"""Strangers and a viewer pipeline tens of thousands of requests and never read an answer. The bot's memory stays bounded, and probes, deliveries and commands of
others are answered."""
import socket
from rig import *

pages = Receiver()
bot = Bot(pages=pages)
scrape = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 500
look = json.dumps({"command": "/incidents"})
looks = f"POST /v1/commands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKENS['eve']}\r\nContent-Type: application/json\r\nContent-Length: {len(look)}\r\n\r\n{look}".encode() * 40
bot.post(body(*(alert(f"N{n}", severity="warning", pod="p" * 900) for n in range(400))))
bot.settled()
before, lines = bot.memory_mib(), []
for n in range(150):
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", bot.port))
    raw.setblocking(False)
    try:
        raw.send(looks if n % 3 == 0 else scrape)
    except OSError:
        pass
    lines.append(raw)
slowest = {}
for n in range(12):
    for what, ask in (
        ("probe", lambda: bot.get("/readyz")), ("delivery", lambda: bot.post(body(alert(f"S{n}"), group=f"g{n}"), timeout=20)),
        ("command", lambda: bot.post({"command": "/help"}, "/v1/commands", TOKENS["ada"], timeout=20)),
    ):
        started = time.monotonic()
        status, answer = ask()
        check(status == 200, f"{what}: {status} {answer[:100]}")
        slowest[what] = max(slowest.get(what, 0), time.monotonic() - started)
    time.sleep(0.3)
until(lambda: len({page["dedup_key"] for page in pages.pages()}) >= 12, 20, "all S1 are paged")
grown = bot.memory_mib() - before
check(grown < 200, f"memory grew by {grown:.0f} MiB")
check(max(slowest.values()) < 3, f"{slowest}")
took = bot.term()
check(took < 20, f"it ended after {took:.0f} s")
held(f"slowest {({what: round(t, 2) for what, t in slowest.items()})} s, memory +{grown:.0f} MiB, ended in {took:.1f} s")
