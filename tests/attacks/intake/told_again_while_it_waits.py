"""While signals wait behind a large body an alert fires, ends, and is told of again with its old start (its sender was away for a while). The
third delivery is word for word the first, which still waits. What was told last must count: it fires."""
from rig import *

config = "incidents: { stale_within: 1s, reopen_within: 1s }\n"


def story(waits):
    bot = Bot(config=config)
    if waits:
        flood = [alert(f"Flood{n % 20}", severity="warning", instance=f"i{n}") for n in range(30_000)]
        check(bot.post(body(*flood, group="flood"))[0] == 200, "the flood is refused")
    fires = body(alert("Disk", severity="warning"), group="disk")
    ends = body(alert("Disk", severity="warning", status="resolved", ends="2026-03-02T09:00:00Z"), group="disk")
    answers = []
    for told in (fires, ends, fires):
        answers.append(json.loads(bot.post(told)[1])["duplicate"])
        if not waits:
            bot.settled()
    waited = bot.metric("dogwatch_pending_signals")
    if waits:
        check(waited > 1, "nothing waited: the attack proves nothing")
    bot.settled(120)
    time.sleep(2.5)
    bot.settled(60)
    lines = [line for line in bot.cli("incidents")[1].splitlines() if "Disk" in line]
    bot.end()
    return bool(lines), answers, waited


calm, _, _ = story(False)
check(calm, "without a backlog it does not fire")
fires, answers, waited = story(True)
check(fires, f"told last that it fires, it is shown as over; duplicates: {answers}, waiting then: {waited}")
held(f"{waited} signals waited")
