"""A receiver of pages refuses with a body, or heads, that never end, as fast as they can be written.

Right: a bound part is read, and it lives within 512 MiB."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from within import *

pages = Receiver()
said = [0]


class Endless(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        said[0] += 1
        try:
            if said[0] % 3 == 0:
                self.wfile.write(b"HTTP/1.1 500 No\r\n")
                while True:
                    self.wfile.write(b"x-more: " + b"y" * 10_000 + b"\r\n")
            if said[0] % 3 == 1:
                self.wfile.write(b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n")
                while True:
                    self.wfile.write(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")
            while True:
                self.wfile.write(b" " * 0x100000)
        except OSError:
            pass

    def log_message(self, *_):
        pass


pages.server.RequestHandlerClass = Endless
bot = Bot(limits=LIMITS, pages=pages)
for n in range(60):
    bot.post(body(alert(f"Alert{n}"), group=f"g{n}"))
bot.settled()
time.sleep(25)
check("REACHED NOBODY" in bot.post({"command": "/incidents"}, "/v1/commands", TOKENS["ada"])[1] or said[0] > 50, f"it has tried {said[0]} times only")
within(bot, f"{said[0]} answers without end")
