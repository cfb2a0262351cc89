"""A backup script holds the database's write lock twice during a storm, and the process is asked to end while it does. Each alert is
answered (200 or 503, within 30 s), SIGTERM ends it within 20 s, and after the next start whatever was answered with 200 is paged once."""
import sqlite3
from rig import *

pages = Receiver()
bot = Bot(pages=pages)
database = os.path.join(bot.folder, "dogwatch.db")
answers = {}


def post(n):
    begun = time.monotonic()
    answers[n] = (bot.post(body(alert(f"Lock{n}x"), group=f"g{n}"), timeout=40)[0], time.monotonic() - begun)


def storm(numbers):
    threads = [threading.Thread(target=post, args=(n,)) for n in numbers]
    [thread.start() for thread in threads]
    return threads


other = sqlite3.connect(database, isolation_level=None)
other.execute("BEGIN IMMEDIATE")
first = storm(range(20))
time.sleep(3)
other.execute("ROLLBACK")
[thread.join() for thread in first]
slowest = max(took for _, took in answers.values())
check(slowest < 30, f"one waited {slowest:.1f} s")
check(all(status in (200, 503, 500) for status, _ in answers.values()), str(answers))
other.execute("BEGIN IMMEDIATE")
second = storm(range(20, 40))
time.sleep(0.5)
took = bot.term(30)
[thread.join() for thread in second]
check(took < 20, f"SIGTERM took {took:.1f} s")
other.execute("ROLLBACK")
other.close()
bot.start()
bot.settled()
accepted = [f"Lock{n}x" for n, (status, _) in answers.items() if status == 200]
until(lambda: all(name in json.dumps(pages.pages()) for name in accepted), 30, "all are paged")
keys = {}
for page in pages.pages():
    keys.setdefault(page["title"], set()).add(page["dedup_key"])
check(all(len(found) == 1 for found in keys.values()), f"paged under two keys: {keys}")
held(f"{len(accepted)} of 40 accepted, slowest answer {slowest:.1f} s, SIGTERM {took:.1f} s")
