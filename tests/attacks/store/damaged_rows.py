"""Rows were damaged while nobody worked on them: an incident's severity, an episode's labels, a page's severity, a delivery's subject,
a time at the end of all times. The process starts, pages what comes in new, pages what is sound, and stays ready."""
import sqlite3
from rig import *

pages = Receiver(lambda n: (503, {}))
bot = Bot(pages=pages)
for n in range(8):
    check(bot.post(body(alert(f"Row{n}x"), group=f"g{n}"))[0] == 200, "refused")
bot.settled()
bot.kill()
database = sqlite3.connect(os.path.join(bot.folder, "dogwatch.db"))
for sql in (
    "UPDATE incident SET severity = 'S9' WHERE id = 1",
    "UPDATE episode SET labels = '{' WHERE incident_id = 2",
    "UPDATE page SET severity = 'no' WHERE incident_id = 3",
    "UPDATE outbox SET subject = '{}' WHERE id = (SELECT id FROM outbox WHERE subject LIKE '%page%' ORDER BY id DESC LIMIT 1)",
    "UPDATE incident SET opened_at = 9223372036854775807, page_at = -9223372036854775808 WHERE id = 6",
    "UPDATE incident_event SET event = 'nonsense' WHERE incident_id = 7",
):
    database.execute(sql)
database.commit()
database.close()
pages.answers = lambda n: (200, {})
pages.bodies.clear()
bot.start()
check(bot.process.poll() is None, f"it does not start: {bot.log()[-400:]}")
check(bot.post(body(alert("Fresh"), group="fresh"))[0] == 200, "the fresh one is refused")
until(lambda: any("Fresh" in page["title"] for page in pages.pages()), 30, "the fresh one is paged")
# Told again, of damaged ones too: whatever the rows say, somebody hears of them.
for n in range(8):
    bot.post(body(alert(f"Row{n}x", starts="2026-03-02T09:00:00Z"), group=f"g{n}"))
bot.settled()
missing = lambda: [n for n in range(8) if f"Row{n}x" not in json.dumps(pages.pages())]
end = time.monotonic() + float(os.environ.get("WAIT", 20))
while missing() and time.monotonic() < end:
    time.sleep(0.5)
check(bot.process.poll() is None and bot.get("/readyz")[0] == 200, f"it has ended or is not ready: {bot.log()[-300:]}")
check(not missing(), f"nobody is paged about the incidents {[n + 1 for n in missing()]}, whose alerts were told again")
held(f"{len(pages.pages())} pages, all eight are in them")
