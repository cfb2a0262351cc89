"""Somebody mistypes the year, and the bot is started anew meanwhile; then the clock is set right again. The report of the next shift is written all the same."""
from wall import *

HANDOFF = (int(time.time()) // 60 + 2) * 60
at = time.strftime("%H:%M", time.gmtime(HANDOFF))


def before(folder):
    path = os.path.join(folder, "oncall.yaml")
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace('"09:00", every: 1w', f'"{at}", every: 1d'))


def reports():
    return sorted(name for _, _, names in os.walk(os.path.join(bot.folder, "handoffs")) for name in names)


soon = HANDOFF - 3 - time.time()
wall, pages = Wall(soon), Receiver()
bot = Bot(env=wall.env, before=before, pages=pages, config="handoff: { dir: handoffs }\n")
bot.post(body(alert("Down")))
until(lambda: len(reports()) == 1, 20, "the report of today is written")
time.sleep(2)
if "control" not in sys.argv:
    bot.kill()
    wall.set(soon + 366 * 86400)
    bot.start()
    until(lambda: len(reports()) == 2, 20, "the report of next year is written")
    time.sleep(2)
before_that = len(reports())
bot.kill()
# The next day, three seconds before the next handoff.
wall.set(HANDOFF + 86400 - 3 - time.time())
bot.start()
until(lambda: len(reports()) == before_that + 1, 15, f"the report of the next day is written beside {reports()}")
held(f"{reports()}")
