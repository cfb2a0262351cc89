"""A receiver of pages refuses and echoes secrets: whole, in many spellings, and cut off by the bound of what is kept of its answer.

Right: neither log nor anything that people read has them, or the beginning of one."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from people import *

class Echo(Receiver):
    def __init__(self, said):
        super().__init__()
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler):
                sent = handler.rfile.read(int(handler.headers.get("content-length", 0)))
                self.bodies.append(json.loads(sent))
                text = said[len(self.bodies) % len(said)]().encode()
                handler.send_response(500)
                handler.send_header("content-length", str(len(text)))
                handler.end_headers()
                handler.wfile.write(text)
            def log_message(self, *_):
                pass
        self.server.RequestHandlerClass = Handler

OURS, PASSWORD = TOKENS["ada"], "correct-horse-battery-staple"
said = [
    lambda: json.dumps({"error": "bad", "request": {"headers": {"Authorization": f"Bearer {OURS}"}, "api_key": PASSWORD}}),
    lambda: f"no {OURS}",
    lambda: f"\x1b[31mpassword=\u200b{PASSWORD}\x1b[0m",
    lambda: "<p>" + " " * (200 - 3 - len(OURS) + 2) + OURS + "</p>",
    lambda: "<p>" + " " * (200 - 3 - len("amqp://q:") - len(PASSWORD)) + f"amqp://q:{PASSWORD}@mq/x",
]
pages = Echo(said)
bot = Talking(pages=pages)
texts = {}
for n in range(5):
    for m in range(4):
        bot.post(body(alert(f"Alert{n}{m}"), group=f"g{n}{m}"))
    time.sleep(1.2)
bot.settled()
until(lambda: len(pages.bodies) > 40, 25, "it has refused often")
time.sleep(1)
texts = everything(bot, pages, range(1, 21))
bad = sorted({f"{secret[:8]}… in {name}" for name, text in texts.items() for secret in (OURS, PASSWORD) if secret[:16] in text})
if bad:
    where = next(text for name, text in texts.items() if OURS[:16] in text or PASSWORD[:16] in text)
    at = max(where.find(OURS[:16]), where.find(PASSWORD[:16]))
    broke(f"{len(bad)}: {', '.join(bad[:6])}: {where[max(0, at - 120):at + 40]!r}")
held(f"{len(texts)} texts after {len(pages.bodies)} refusals")
