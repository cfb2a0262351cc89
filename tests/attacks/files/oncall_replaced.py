"""Who is on call is replaced while the bot works: by garbage, by a pipe, by nothing; a SIGHUP comes, as who edits it expects a reload. Pages go on to be
made; a start with garbage ends at once and says where; with the right file again, what was accepted is paged once."""
from rig import *

pages = Receiver()
bot = Bot(pages=pages)
path = os.path.join(bot.folder, "oncall.yaml")
for n, change in enumerate((
    lambda: open(path, "w").write("teams: [{ name: platform, rotation: hunter2 }"),
    lambda: (os.remove(path), os.mkfifo(path)),
    lambda: os.remove(path),
)):
    change()
    check(bot.post(body(alert(f"Call{n}x"), group=f"g{n}"))[0] == 200, "refused")
    until(lambda: f"Call{n}x" in json.dumps(pages.pages()), 15, f"Call{n}x is paged")
bot.post(body(alert("Last"), group="last"))
bot.process.send_signal(signal.SIGHUP)
time.sleep(1)
hung_up = bot.process.poll()
if hung_up is None:
    bot.kill()
bot.write("oncall.yaml", "teams: [{ name: platform, rotation: hunter2 }")
begun = time.monotonic()
bot.start(wait=False)
check(bot.process.wait(15) > 0 and "oncall.yaml" in bot.log(), f"garbage: {bot.log()[-200:]}")
bot.write("oncall.yaml", ONCALL)
bot.start()
bot.settled()
until(lambda: "Last" in json.dumps(pages.pages()), 20, "the last is paged")
keys = [page["dedup_key"] for page in pages.pages()]
check(len(set(keys)) == 4, f"{len(set(keys))} keys")
held(f"4 pages in {len(keys)} deliveries; SIGHUP: {'ended with ' + str(hung_up) if hung_up is not None else 'goes on'}")
