"""An alert ends and fires on with the same start, so that it is held for 8 s; meanwhile the clock is set back a day, once under way and once between two processes. It is looked at after 8 s and not a day later, and somebody is paged."""
from wall import *

figures = []
for under_way in (True, False):
    wall, pages = Wall(0), Receiver()
    bot = Bot(env=wall.env, pages=pages, config="incidents: { stale_within: 8s, reopen_within: 1s }\n")
    one = alert("Down")
    bot.post(body(one))
    until(lambda: len(pages.pages()) == 1, 20, "it is paged")
    bot.post(body({**one, "status": "resolved", "endsAt": rfc(time.time())}))
    time.sleep(1.5)
    began = time.monotonic()
    bot.post(body(one, receiver="again"))
    bot.settled() if under_way else time.sleep(1)
    if under_way:
        wall.set(-86400)
    else:
        bot.kill()
        wall.set(-86400)
        bot.start()
    until(lambda: len(pages.pages()) >= 2, 25, f"what was held is paged (set under way: {under_way})")
    figures.append(f"{time.monotonic() - began:.0f} s")
    bot.kill()
held(f"paged after {figures}")
