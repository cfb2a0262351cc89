"""A machine comes up with a clock that is three hours behind, and NTP mends it: the next shift ends a few seconds later, and its report is written then."""
from wall import *

HANDOFF = (int(time.time()) // 60 + 1) * 60
if HANDOFF - time.time() < 25:
    HANDOFF += 60
at = time.strftime("%H:%M", time.gmtime(HANDOFF))


def before(folder):
    path = os.path.join(folder, "oncall.yaml")
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace('"09:00", every: 1w', f'"{at}", every: 1d'))


# Real time is moved so that the handoff comes 20 s after the start.
soon = HANDOFF - 20 - time.time()
# `control`: the clock is right from the start.
wall = Wall(soon if "control" in sys.argv else soon - 3 * 3600)
bot = Bot(env=wall.env, before=before, config="handoff: { dir: handoffs }\n")
reports = lambda: [name for _, _, names in os.walk(os.path.join(bot.folder, "handoffs")) for name in names]
if "control" not in sys.argv:
    wall.set_and_followed(bot, soon)
left = HANDOFF - wall.now()
until(reports, max(left, 0) + 15, f"the report of the shift that ended is written ({left:.0f} s after the clock was mended)")
held(f"{reports()}")
