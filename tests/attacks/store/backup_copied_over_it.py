"""An old backup is copied over the database in place (the same inode) while the bot works, alerts come in, and the process is killed.
No alert that was answered with 200 after that is lost silently: the next start knows it, or says that the database is damaged."""
import sqlite3
from rig import *

pages = Receiver()
bot = Bot(pages=pages)
database = os.path.join(bot.folder, "dogwatch.db")
bot.post(body(alert("Old"), group="old"))
bot.settled()
copy = sqlite3.connect(os.path.join(bot.folder, "backup"))
sqlite3.connect(database).backup(copy)
copy.close()
for n in range(300):
    bot.post(body(*(alert(f"Mid{n}-{m}", pad="x" * 400) for m in range(5)), group=f"mid-{n}"), timeout=10)
bot.settled()
with open(os.path.join(bot.folder, "backup"), "rb") as source, open(database, "wb") as target:
    target.write(source.read())
accepted = []
for n in range(20):
    if bot.post(body(alert(f"After{n}"), group=f"after-{n}"))[0] == 200:
        accepted.append(f"After{n}")
early = bot.process.poll()
if early is None:
    bot.kill()
bot.start(wait=False)
until(lambda: bot.get("/readyz")[0] == 200 or bot.process.poll() is not None, 30, "it is ready or ended")
if bot.process.poll() is not None:
    held(f"{len(accepted)} accepted; the next start refuses: {bot.log().splitlines()[-1][:160]}")
bot.settled()
time.sleep(2)
known = bot.cli("incidents")[1] + json.dumps(pages.bodies)
lost = [name for name in accepted if name not in known]
check(not lost, f"{len(lost)} of {len(accepted)} that were answered with 200 are lost silently")
held(f"{len(accepted)} of 20 accepted and known")
