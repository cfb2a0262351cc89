"""The file system takes no more (a limit of 1.5 MiB for a file, that is met in the middle of a storm). What was answered with 200 is decided
about and paged, now or when there is room again; what was not is answered with 5xx; the readiness says so; SIGTERM ends it in 20 s."""
from rig import *

pages = Receiver()
bot = Bot(pages=pages, limits="trap '' XFSZ; ulimit -f 3000")
accepted, refused = [], []
for n in range(150):
    status, said = bot.post(body(alert(f"Full{n}x", pad="y" * 4000), *(alert(f"Pad{n}x{m}", severity="warning", pad="z" * 4000) for m in range(3)), group=f"g{n}"), timeout=20)
    (accepted if status == 200 else refused).append(f"Full{n}x")
    if status not in (200, 503, 500):
        broke(f"answered with {status}: {said[:200]}")
    if len(refused) > 6:
        break
ready = bot.get("/readyz")
check(bot.process.poll() is None, f"it ended: {bot.log()[-300:]}")
check(not refused or ready[0] != 200, f"{len(refused)} refused, and it says that it is ready")
took = bot.term(25)
check(took < 20, f"SIGTERM took {took:.1f} s")
bot.limits = ""
bot.start()
bot.settled()
wanted = set(accepted)
until(lambda: not [n for n in wanted if n not in json.dumps(pages.bodies)], 40, f"all {len(wanted)} accepted are paged")
held(f"{len(accepted)} accepted and paged, {len(refused)} refused, readyz {ready[0]}, SIGTERM {took:.1f} s")
