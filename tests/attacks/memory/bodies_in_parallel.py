"""Sixteen senders at once send 30 MiB bodies of 60,000 small alerts, of few alerts with many labels, of one huge text, of nothing but brackets, and wait for the answer.

Right: each is taken, refused or told to come again, within 512 MiB."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from within import *

bot = Bot(limits=LIMITS)
LONG = 30 << 20
small = json.dumps(body(*[{"labels": {"a": str(n)}, "status": "firing", "startsAt": "2026-03-02T08:00:00Z"} for n in range(200_000)]))
many = json.dumps(body(*[alert(f"A{m}", **{f"l{n}": "x" for n in range(20_000)}) for m in range(60)]))
text = json.dumps(body(alert("A") | {"annotations": {"summary": "\u2028" * (5 << 20)}}))
brackets = "[" * LONG
deep = json.dumps(body(alert("B")))[:-1] + ', "x": ' + '{"a":' * (LONG // 6)
sizes, answers = {}, []
kinds = {"small": small, "many labels": many, "a long text": text, "brackets": brackets, "deep": deep}


def send(name):
    for _ in range(2):
        answers.append((name, bot.post(kinds[name][:LONG], timeout=20)[0]))


threads = [threading.Thread(target=send, args=(name,)) for name in list(kinds) * 3 + ["small"]]
[thread.start() for thread in threads]
[thread.join(30) for thread in threads]
counts = {}
for _, status in answers:
    counts[status] = counts.get(status, 0) + 1
within(bot, f"answers: {counts}")
