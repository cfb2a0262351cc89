"""Secrets in odd spellings in each field of a delivery and of commands: names of labels, group key, receiver, version, times, keys, notes, names of inputs.

Right: nothing that people read has them, be it taken in or refused."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from people import *

pages = Receiver()
bot = Talking(pages=pages)
S = "Tr0ub4dor-and-3-horses"
spelt = {
    "a": f"PGPASSWORD={S}", "b": f"--password {S}", "c": f"postgres://u:{S}@h/d", "d": f'{{\\"password\\": \\"{S}\\"}}', "e": f"pass\u200bword={S}",
    "f": f"password%3D{S}", "g": f"Authorization: Basic {S}", "h": f"p\u00adassword: {S}", "i": f"{TOKENS['eve'][:12]}\u200b{TOKENS['eve'][12:]}",
    "j": f"password=\n{S}", "k": f"the password is {S}", "l": f"curl -u admin:{S} https://x", "m": f"PASSWORD:\x1b[31m{S}", "n": f"&quot;token&quot;:&quot;{S}&quot;",
    "o": f"mysql -p{S} -h db", "p": f"password\t=\t{S}", "q": f"pwd_db_password='{S}'", "r": f"redis://:{S}@r:6379", "s": f"<password>{S}</password>",
}
for n, (key, text) in enumerate(spelt.items()):
    bot.post(body(alert(f"Spelt-{key}", **{f"label_{key}": text}) | {"annotations": {"summary": text, "description": text, "runbook_url": f"https://x/?x={text}"}},
                  group=f"g{key}"))
    bot.post(body(alert(f"Place-{key}", namespace=text, **{text: "x"}), group=f"{{}}:{{x=\"{text}\"}}", receiver=text))
    bot.post(body(alert(text), group=f"n{key}"))
    for wrong in ({"version": text[:38]}, {"alerts": [{"status": text}]}, {"alerts": [alert("x", starts=text)]}, {"alerts": [{"labels": {text: 5}}]}, {"alerts": text}):
        bot.post(body(alert("x")) | wrong)
bot.settled()
for key, text in spelt.items():
    line = text.replace("\n", " ")
    asks(bot, f"/resolve 1 {line}")
    asks(bot, f"/run nothing '{line}'", **{"idempotency-key": "x"})
    bot.type(f"/resolve 2 {line}")
    asks(bot, "/ack 3", "", **{"user-agent": "password=" + S, "referer": f"http://u:{S}@x/"})
bot.get(f"/v1/x?password={S}")
time.sleep(2)
texts = everything(bot, pages, range(1, 58))
bad = {}
for name, text in texts.items():
    for part in (S, TOKENS["eve"]):
        seen = text.replace("\u200b", "")
        for found in re.finditer(re.escape(part), seen):
            bad.setdefault(seen[max(0, found.start() - 30):found.start() + 4], []).append(name)
if bad:
    broke(f"{len(bad)} ways: " + "; ".join(f"{way!r} in {names[0]} and {len(names) - 1} more" for way, names in list(bad.items())[:8]))
held(f"{len(texts)} texts, {len(spelt)} spellings")
