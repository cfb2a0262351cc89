"""The clock is set to the year 9998 and back, and to 1971 and back: the bot lives on, pages within seconds, and its runs and handoffs are not upset."""
from wall import *

wall, pages = Wall(0), Receiver()
bot = Bot(env=wall.env, pages=pages, config="handoff: { dir: handoffs }\n")
bot.post(body(alert("Before"), group="before"))
far = [(9998 - 2026) * 31556952, 0, -55 * 31556952, 0]
for n, off in enumerate(far):
    wall.set_and_followed(bot, off)
    began = time.monotonic()
    bot.post(body(alert(f"Down{n}"), group=f"g{n}"))
    until(lambda: len(pages.pages()) >= n + 2, 20, f"an alert at {off:+} s is paged")
    check(bot.get("/readyz")[0] == 200, f"it is not ready at {off:+} s")
    code, said = bot.cli("incidents")
    check(code == 0, said)
errors = [line for line in bot.log().splitlines() if " ERROR " in line or "panicked" in line]
check(not errors, errors[:3])
held(f"{len(pages.pages())} pages")
