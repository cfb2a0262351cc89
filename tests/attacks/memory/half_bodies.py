"""A thousand connections with the right secret announce 1 MiB for the webhook and 64 KiB for commands each, send nearly all of it and wait; 800 strangers too.

Right: it lives within 512 MiB, and a small body is taken within seconds, or told to come again."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from within import *

bot = Bot(limits=LIMITS)
held_open, refused = [], 0
for n in range(1000):
    try:
        connection = connect(bot)
        connection.settimeout(2)
        kind = n % 5
        if kind < 3:
            connection.sendall(head(1 << 20) + b" " * ((1 << 20) - 1 if n % 10 == 0 else 2000))
        elif kind == 3:
            connection.sendall(head(64 * 1024, "/v1/commands", TOKENS["eve"]) + b" " * (64 * 1024 - 1))
        else:
            connection.sendall(head(30 << 20, token="wrong") + b" " * 30_000)
        held_open.append(connection)
    except OSError:
        refused += 1
statuses = [bot.post(body(alert(f"A{n}")), timeout=20)[0] for n in range(10)]
check(all(status in (200, 503) for status in statuses), f"answers to small bodies: {statuses}")
check(bot.get("/readyz")[0] == 200, "it is not ready")
within(bot, f"{len(held_open)} connections, {refused} refused, answers to small ones {statuses}")
