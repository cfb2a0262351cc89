"""An incident gets a long history; then 400 connections of a viewer, and 400 of nobody, ask for /why and /metrics again and again and read nothing.

Right: what is not read is bounded: it lives within 512 MiB."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from within import *

bot = Bot(limits=LIMITS)
bot.post(body(alert("Real")))
bot.settled()
for n in range(150):
    status, said = bot.post({"command": "/resolve 1 " + f"{n} " + "the disk was full " * 200}, "/v1/commands", TOKENS["ada"])
    if status == 429:
        time.sleep(0.3)
size = len(bot.post({"command": "/why 1"}, "/v1/commands", TOKENS["eve"])[1])
metrics = len(bot.get("/metrics")[1])
ask = json.dumps({"command": "/why 1"}).encode()
asked, waiting = 0, []
end = time.monotonic() + 25
for n in range(800):
    if time.monotonic() > end or bot.process.poll() is not None:
        break
    try:
        connection = connect(bot, receive=2048)
        connection.settimeout(0.5)
        if n % 2:
            connection.sendall((head(len(ask), "/v1/commands", TOKENS["eve"]) + ask) * 50)
        else:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n" * 200)
        asked += 1
        waiting.append(connection)
    except OSError:
        pass
    if n % 2:
        time.sleep(0.02)
within(bot, f"{asked} readers of {size >> 10} KiB and {metrics >> 10} KiB each that do not read")
