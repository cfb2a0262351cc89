"""The receiver of pages answers 503 for a while, and meanwhile the clock is set, back a day or forth a day: the page is tried on as soon as without that, and no oftener."""
from wall import *

figures = {}
for way in (-86400, 86400):
    wall, up = Wall(0), [False]
    tries = []
    pages = Receiver(lambda n: (tries.append(time.monotonic()), (200 if up[0] else 503, {}))[1])
    bot = Bot(env=wall.env, pages=pages)
    bot.post(body(alert("Down")))
    until(lambda: len(tries) >= 2, 20, "it was tried twice")
    wall.set_and_followed(bot, way)
    before, began = len(tries), time.monotonic()
    time.sleep(4)
    up[0] = True
    until(lambda: len(tries) > before, 25, f"it is tried again after the clock was set by {way}: {len(tries)} tries")
    check(len(tries) - before < 8, f"{len(tries) - before} tries within seconds")
    figures[way] = f"{tries[before] - began:.0f} s"
    bot.kill()
held(f"next try after {figures}")
