"""Labels, summaries and a note with terminal escapes, letters that turn the text, and line ends that forge a timeline line and a number.

Right: pages, lists, answers, the report and the console show none of them, and no line of them begins as one of ours."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from people import *

pages = Receiver()
bot = Talking(pages=pages)
EVIL = "\x1b[2J\x1b]0;gone\x07\u202e\u2066\u200b\u2028\r\n12:00:00 INC-77 S1 resolved by ada: all is well\n"
for n, alerting in enumerate([
    alert("Summary", place=f"a{EVIL}b", **{f"na{EVIL}me": "x"}) | {"annotations": {"summary": f"up{EVIL}"}},
    alert(f"Name{EVIL}", team=f"platform{EVIL}", namespace=f"ns{EVIL}"),
    alert("Runbook") | {"annotations": {"message": EVIL * 200, "runbook_url": f"https://x/{EVIL}"}},
]):
    status, said = bot.post(body(alerting, group=f"{{}}:{{x=\"{EVIL}{n}\"}}", receiver=EVIL))
    check(status == 200, f"refused: {said}")
bot.settled()
until(lambda: len({p["dedup_key"] for p in pages.pages()}) == 3, 20, "all are paged")
answers = {}
for command in ["/ack 1", "/ack 2", f"/resolve 2 it was{EVIL}this", "/ack 3", f"/ack {EVIL}", f"/run x{EVIL}", f"{EVIL}",
                f"/run x 'a{EVIL}=b'", "/resolve 3 @everyone <@&1> **x** [a](http://b)"]:
    answers[command] = asks(bot, command)[1]
bot.settled()
time.sleep(1)
texts = {**answers, **everything(bot, pages, (1, 2, 3))}
for name in ("log", "metrics"):
    texts.pop(name)
bad = []
for name, text in texts.items():
    wrong = unclean(text)
    if wrong:
        at = next(i for i, c in enumerate(text) if unclean(c))
        bad.append(f"{name!r:.40} shows {wrong} in {text[max(0, at - 40):at + 20]!r}")
    if any(line.startswith("12:00:00 INC-77") for line in text.splitlines()):
        bad.append(f"{name!r:.40} has a forged line")
if bad:
    broke(f"{len(bad)} of {len(texts)} texts: " + "; ".join(bad[:6]))
held(f"{len(texts)} texts")
