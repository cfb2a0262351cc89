"""kill -9 right after 200, twenty times over: nothing that was accepted is lost, and nobody is paged twice."""
from rig import *

pages = Receiver()
bot = Bot(pages=pages)
for n in range(20):
    status, _ = bot.post(body(alert(f"Alert{n}"), group=f"g{n}"))
    bot.kill()
    check(status == 200, f"refused with {status}")
    bot.start()
bot.settled()
until(lambda: len({page["dedup_key"] for page in pages.pages()}) == 20, 60, "all are paged")
check(bot.get("/readyz")[0] == 200, "it is not ready")
held(f"{len(pages.pages())} deliveries of 20 pages")
