"""Senders hang up once their 15 MiB body is sent (Alertmanager does after its time-out), and send it again, thirty times.

Right: what is still being read and written of an abandoned body counts as memory until it is dropped."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from within import *

bot = Bot(limits=LIMITS)
whole = json.dumps(body(*[alert(f"Alert{n}", text="x" * 300) for n in range(32_000)])).encode()
sent = 0
end = time.monotonic() + 30
for n in range(30):
    if time.monotonic() > end or bot.process.poll() is not None:
        break
    try:
        connection = connect(bot)
        connection.sendall(head(len(whole)) + whole)
        connection.settimeout(0.1)
        try:
            connection.recv(100)
        except TimeoutError:
            pass
        connection.close()
        sent += 1
    except OSError:
        pass
within(bot, f"{sent} bodies of {len(whole) >> 20} MiB whose senders hung up")
