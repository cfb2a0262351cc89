"""Ten thousand incidents of their own, each of which pages a receiver that is slow, and lists, reports and metrics meanwhile.

Right: it lives within 512 MiB, lists and reports are there."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from within import *

pages = Receiver()
bot = Bot(limits=LIMITS, pages=pages)
started = time.monotonic()
status, said = bot.post(body(*[alert(f"Alert{m}", text="x" * 1000) | {"annotations": {"summary": "s" * 1000}} for m in range(10_000)]), timeout=30)
check(status == 200, f"refused with {status}: {said}")
worst = 0
while time.monotonic() < started + 35 and bot.process.poll() is None:
    for command in ("/incidents", "/incidents all", "/handoff"):
        asked = time.monotonic()
        status, text = bot.post({"command": command}, "/v1/commands", TOKENS["ada"], timeout=20)
        worst = max(worst, time.monotonic() - asked)
        check(bot.process.poll() is not None or status in (200, 429), f"{command} is answered with {status} {text[:200]}")
    bot.get("/metrics")
    if bot.metric("dogwatch_pending_signals") == 0 and time.monotonic() > started + 25:
        break
    time.sleep(0.3)
within(bot, f"{bot.metric('dogwatch_incidents')} incidents in the first state, {len(pages.bodies)} deliveries, {worst:.1f} s for the slowest answer")
