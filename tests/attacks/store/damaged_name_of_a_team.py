"""One byte of one page's team is damaged on the disk, so that it is no text any more. A number for the metrics is all that needs it at the start:
the process starts, and a critical alert that comes then is paged."""
import sqlite3
from rig import *

pages = Receiver()
bot = Bot(pages=pages)
check(bot.post(body(alert("Sound"), group="sound"))[0] == 200, "refused")
until(lambda: pages.pages(), 20, "it is paged")
bot.kill()
database = sqlite3.connect(os.path.join(bot.folder, "dogwatch.db"))
database.execute("UPDATE page SET team = CAST(x'ff' || substr(team, 2) AS TEXT)")
database.commit()
database.close()
pages.bodies.clear()
bot.start(wait=False)
until(lambda: bot.get("/readyz")[0] == 200 or bot.process.poll() is not None, 30, "it is ready or ended")
check(bot.process.poll() is None, f"it does not start any more: {bot.log().splitlines()[-1] or bot.log().splitlines()[-2]}")
check(bot.post(body(alert("Fresh"), group="fresh"))[0] == 200, "the fresh one is refused")
until(lambda: any("Fresh" in page["title"] for page in pages.pages()), 20, "the fresh one is paged")
held(f"/metrics answers {bot.get('/metrics')[0]}")
