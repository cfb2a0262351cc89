"""Somebody acknowledges an incident, the clock is set back a day, and long after (reopen_within is 3 s here) its alert fires with a later start: whoever
acknowledged it is called again, as without the clock that was set."""
from wall import *

figures = {}
for by in (0, -86400):
    wall, pages = Wall(0), Receiver()
    bot = Bot(env=wall.env, pages=pages, config="incidents: { reopen_within: 3s }\n")
    bot.post(body(alert("Down")))
    until(lambda: len(pages.pages()) == 1, 20, "it is paged")
    code, said = bot.cli("ack", "INC-1")
    check(code == 0, said)
    if by:
        wall.set_and_followed(bot, by)
    time.sleep(5)
    bot.post(body(alert("Down", starts="2026-03-02T11:00:00Z")))
    until(lambda: len(pages.pages()) == 2, 10, f"it is paged anew after the clock was set by {by}: {bot.cli('why', 'INC-1')[1]}")
    bot.kill()
held("paged anew, both times")
