"""Secrets where a text is cut: a summary whose password in a URL, or whose key, begins just before the end of the title.

Right: what is left of a secret is masked as the whole of it is."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from people import *

pages = Receiver()
bot = Talking(pages=pages)
PASSWORD = "correct-horse-battery-staple"
KEY = "dapi" + "0123456789abcdef" * 2
OURS = TOKENS["ada"]
cases = {"Url": (f"postgres://app:{PASSWORD}@db-1.example/orders failed", PASSWORD[:14], len("postgres://app:") + len(PASSWORD)),
         "Key": (f"{KEY} is refused", KEY[:30], len(KEY) - 1),
         "Ours": (f"{OURS} is refused", OURS[:20], len(OURS) - 1)}
for name, (secret, _, shown) in cases.items():
    # The title is cut after 160 letters.
    room = 160 - len(name) - 2 - shown
    text = ("the job could not connect " * 10)[: room - 1] + " "
    bot.post(body(alert(name) | {"annotations": {"summary": text + secret}}, group=name))
bot.settled()
until(lambda: len({p["dedup_key"] for p in pages.pages()}) == 3, 20, "all are paged")
asks(bot, "/ack 1")
texts = everything(bot, pages, (1, 2, 3))
bad = {case: [name for name, text in texts.items() if part in text] for case, (_, part, _) in cases.items()}
bad = {case: names for case, names in bad.items() if names}
if bad:
    broke("; ".join(f"{case} stands in {', '.join(names)}" for case, names in bad.items()))
held(f"{len(texts)} texts")
