"""One incident with 60,000 alerts, told twice, and people who ask /why, /incidents and /handoff meanwhile.

Right: it lives within 512 MiB, and each answer is there."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from within import *

bot = Bot(limits=LIMITS)
started = time.monotonic()
for n in range(2):
    status, said = bot.post(body(*[alert("Storm", pod=f"pod-{m}", text="x" * 100) for m in range(60_000)], peer=n), timeout=60)
    check(status in (200, 503), f"refused with {status}: {said}")


def ask():
    while time.monotonic() < started + 30 and bot.process.poll() is None:
        for command in ("/why 1", "/incidents", "/handoff"):
            bot.post({"command": command}, "/v1/commands", TOKENS["ada"], timeout=20)


threads = [threading.Thread(target=ask) for _ in range(4)]
[thread.start() for thread in threads]
until(lambda: bot.process.poll() is not None or (bot.metric("dogwatch_pending_signals") == 0 or time.monotonic() > started + 30), 40, "a while")
[thread.join() for thread in threads]
time.sleep(4)
took = time.monotonic()
status, text = bot.post({"command": "/why 1"}, "/v1/commands", TOKENS["ada"], timeout=20)
check(bot.process.poll() is not None or status == 200, f"/why is answered with {status} {text}")
line = next((line for line in json.loads(text)["reply"].splitlines() if line.startswith("alerts:")), "") if status == 200 else ""
within(bot, f"{line}; /why takes {time.monotonic() - took:.1f} s")
