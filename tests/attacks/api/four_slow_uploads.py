"""Four senders with the right secret whose line is slow (a proxy passes their bodies on in chunks, so that nobody knows how long they get). A small S1
delivery of another one comes in meanwhile, soon."""
import socket
from rig import *

pages = Receiver()
bot = Bot(pages=pages)
head = f"POST /v1/alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {WEBHOOK}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n"
slow = []
for _ in range(4):
    raw = socket.create_connection(("127.0.0.1", bot.port), 5)
    raw.sendall(head.encode())
    slow.append(raw)
time.sleep(1)
started, answers = time.monotonic(), []
while time.monotonic() - started < 45 and 200 not in answers:
    for raw in slow:
        try:
            raw.sendall(b"1\r\n \r\n")
        except OSError:
            pass
    answers.append(bot.post(body(alert("Users are down")), timeout=10)[0])
took = time.monotonic() - started
check(answers[-1] == 200 and took < 5, f"four slow bodies of a few bytes: the S1 delivery had {answers} for {took:.0f} s")
held(f"taken after {took:.1f} s")
