"""A restore that fails half-way (`cp backup dogwatch.db` on a full disk) empties the database in place while the bot works;
alerts come in afterwards, and the process is killed. What was answered with 200 after that is decided about and paged: or it is not
answered with 200."""
from rig import *

pages = Receiver()
bot = Bot(pages=pages)
check(bot.post(body(alert("Before"), group="before"))[0] == 200, "the first is refused")
bot.settled()
os.truncate(os.path.join(bot.folder, "dogwatch.db"), 0)
accepted = []
# Decided about or not: the kill comes right behind the last answer.
for n in range(10):
    if bot.post(body(alert(f"After{n}"), group=f"after-{n}"))[0] == 200:
        accepted.append(f"After{n}")
early = bot.process.poll()
if early is None:
    bot.kill()
paged_before = json.dumps(pages.bodies)
pages.bodies.clear()
bot.start(wait=False)
until(lambda: bot.get("/readyz")[0] == 200 or bot.process.poll() is not None, 30, "it is ready or ended")
if bot.process.poll() is not None:
    # An emptied file beside a full log is for a person to look at, as long as nothing was promised.
    if not accepted and "put a backup in its place" in bot.log():
        held("0 of 10 accepted, and the emptied file is refused with what to do")
    broke(f"{len(accepted)} accepted, and it does not start again: {bot.log()[-300:]}")
bot.settled()
time.sleep(3)
known = bot.cli("incidents")[1] + paged_before + json.dumps(pages.bodies)
lost = [name for name in accepted if name not in known]
unlisted = [name for name in accepted if name not in bot.cli("incidents")[1]]
check(not lost, f"{len(lost)} of {len(accepted)} that were answered with 200 are lost without a trace")
check(not unlisted, f"{len(unlisted)} of {len(accepted)} that were answered with 200 are not in the database any more (some were paged)")
held(f"{len(accepted)} of 10 accepted, the process had {'ended itself' if early is not None else 'gone on'}")
