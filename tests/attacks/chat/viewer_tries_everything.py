"""A viewer, nobody and a broken token give every command, in every case and spelling, with the keys of others.

Right: nothing changes, all are refused, and what may be looked at is answered."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from people import *

pages = Receiver()
bot = Bot(pages=pages)
bot.post(body(alert("Real")))
bot.settled()
asks(bot, "/ack 1", "ada", **{"idempotency-key": "k"})
before = asks(bot, "/why 1")[1]
changing = ["ack 1", "/ACK INC-1", "\u00a0/resolve INC-1", "/resolve inc-1 it is over", "/approve APR-1", "/deny APR-1", "/run a", "//resolve 1",
            "/resolve\t1", "/resolve 1\n/resolve 1", "/help\n/resolve 1", "/incidents\u2028/resolve 1", "/run a --dry-run=false", "/Approve 1"]
for command in changing:
    for headers in ({}, {"idempotency-key": "k", "x-forwarded-user": "ada", "x-role": "admin"}):
        for token in ("eve", TOKENS["ada"] + "x") if command == "/Approve 1" else ("eve",):
            status, reply = asks(bot, command, token, **headers)
            check(status in (400, 401, 403, 429), f"{command!r} by {token!r} is answered with {status}: {reply}")
for token in ("none", "", TOKENS["eve"] + "x", "Bearer " + TOKENS["ada"], WEBHOOK):
    status, reply = asks(bot, "/resolve 1", token)
    check(status in (401, 403, 429), f"{token!r} is answered with {status}: {reply}")
for raw in ('{"command": "/incidents", "command": "/resolve 1"}', '{"command": "/resolve 1", "person": "ada", "role": "admin"}', '["/resolve 1"]',
            '{"command": {"resolve": 1}}', '{"command": null}', '"' * 1000, '[' * 60000, '{"command": "/help"} {"command": "/resolve 1"}'):
    status, reply = bot.post(raw, path="/v1/commands", token=TOKENS["eve"])
    check(status in (400, 403, 429), f"{raw[:60]} is answered with {status}: {reply}")
check(bot.get("/readyz")[0] == 200, "it is not ready")
time.sleep(2)
after = asks(bot, "/why 1")[1]
check(before == after, f"it changed: {after}")
status, reply = asks(bot, "/incidents", "eve")
check(status == 200 and "INC-1" in reply, f"a viewer cannot look: {status} {reply}")
held(f"{len(changing) * 2 + 10} tries")
