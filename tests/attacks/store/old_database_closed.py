"""The process opens the database of version 0.1.0, with alerts that are open under three kinds of fingerprints. Those alerts end: their
incidents are resolved and open no others, the signals that waited are decided about, and what was not delivered is."""
from rig import *

FIXTURE = os.path.join(ROOT, "tests/fixtures/database/v0.1.0.sqlite")
pages = Receiver()
bot = Bot(pages=pages, before=lambda folder: shutil.copy(FIXTURE, os.path.join(folder, "dogwatch.db")))
bot.settled()
before = bot.cli("incidents")[1]
start = "2026-11-28T08:00:00Z"


def ended(name, fingerprint, severity, **labels):
    return {**alert(name, severity, "resolved", start, "2026-11-28T20:00:00Z", **labels), "fingerprint": fingerprint}


check("DiskFull" in before and "QueueLong" in before, f"the old incidents are not listed: {before[:300]}")
for told in (
    ended("DiskFull", "3b9f1e0c55aa7d01", "critical", instance="db-1"),
    ended("DiskSlow", "564f55981c15ea67", "warning", instance="db-2"),
    ended("Heartbeat", "not-hex-at-all", "warning", source="grafana"),
    ended("QueueLong", "00000000000000a1", "critical", queue="mail"),
):
    status, said = bot.post(body(told, status="resolved"))
    check(status == 200, f"{status} {said}")
bot.settled()
after = bot.cli("incidents")[1]
left = [name for name in ("DiskFull", "DiskSlow", "Heartbeat", "QueueLong") if name in after]
check(not left, f"still open after their ends were told: {left}")
until(lambda: any("DiskFull" in p["title"] for p in pages.pages()) and len(pages.pages()) >= 10, 20, "the old pages are delivered")
check(bot.get("/readyz")[0] == 200 and bot.term() < 20, "it is not ready, or does not end")
held(f"{len(before.splitlines())} lines of incidents before, {len(after.splitlines())} after, {len(pages.pages())} pages delivered")
