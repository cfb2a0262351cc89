"""The API server drips its answers, one byte a second, to everything: an S1 alert is paged at once all the same, and SIGTERM ends the bot within 20 s."""
from apiserver import *


def drip():
    for _ in range(100):
        yield b" "
        time.sleep(1)


api, pages = ApiServer(lambda method, path, query, body: (200, {}, drip())), Receiver()
bot = site(api, Prom(), pages)
bot.post(body(alert("WebSlow", severity="warning")))
time.sleep(3)
began = time.monotonic()
bot.post(body(alert("Down"), group="other"))
until(lambda: any("Down" in json.dumps(page) for page in pages.pages()), 10, "S1 is paged")
paged = time.monotonic() - began
lasted = bot.term(25)
check(lasted < 21, f"it took {lasted:.0f} s to end")
check(not api.changes, f"{api.changes}")
held(f"paged after {paged:.1f} s, ended after {lasted:.1f} s")
