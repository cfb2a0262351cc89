"""The clock is set forth and back by days, more than once a second: each S1 alert is paged within 20 s all the while, the bot is ready, and pages come once."""
import random
from wall import *

wall, pages = Wall(0), Receiver()
bot = Bot(env=wall.env, pages=pages)
over = threading.Event()


def flap():
    while not over.wait(0.7):
        wall.set([0, 86400, -86400, 3600, -7200, 40 * 86400, 60][random.randrange(7)])


threading.Thread(target=flap, daemon=True).start()
lasted = []
for n in range(8):
    began = time.monotonic()
    bot.post(body(alert(f"Down{n}"), group=f"g{n}"))
    until(lambda: len(pages.pages()) > n, 20, f"alert {n} is paged")
    lasted.append(time.monotonic() - began)
    time.sleep(4.5)
over.set()
check(bot.get("/readyz")[0] == 200, "it is not ready")
check(len({page["dedup_key"] for page in pages.pages()}) == len(pages.pages()), "some came twice")
if "-v" in sys.argv:
    print("\n".join(line for line in bot.log().splitlines() if "clock" in line))
held(f"{bot.metric('dogwatch_clock_set_total'):.0f} times set, a page took {max(lasted):.1f} s at the most")
