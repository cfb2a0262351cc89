"""Somebody with a viewer's token, who may only look, opens as many connections as there are places for those who are known and sends the body of
a command on each, a letter now and then. An S1 alert comes in all the same, soon, and so does a responder's command."""
import resource
import socket
from rig import *

MANY = 1_100
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
pages = Receiver()
bot = Bot(pages=pages)
head = (
    f"POST /v1/commands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKENS['eve']}\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{{"
).encode()
held_open, stop = [], threading.Event()


def slowly():
    while not stop.is_set():
        while len(held_open) < MANY:
            try:
                raw = socket.create_connection(("127.0.0.1", bot.port), 5)
                raw.sendall(head)
                held_open.append(raw)
            except OSError:
                break
        for raw in list(held_open):
            try:
                raw.sendall(b" ")
            except OSError:
                held_open.remove(raw)
        stop.wait(0.5)


threading.Thread(target=slowly, daemon=True).start()
until(lambda: len(held_open) >= MANY, 15, "the connections are open")
time.sleep(1)
started, answers = time.monotonic(), []
command = []
while time.monotonic() - started < 38 and 200 not in answers:
    answers.append(bot.post(body(alert("Users are down")), timeout=5)[0])
    command.append(bot.post({"command": "/incidents"}, "/v1/commands", TOKENS["ada"], timeout=5)[0])
    time.sleep(0.2)
took, ready = time.monotonic() - started, bot.get("/readyz")[0]
stop.set()
check(answers[-1] == 200 and took < 5, f"the S1 delivery had {answers[:3]}... {answers[-1]} for {took:.0f} s ({len(answers)} tries), ada {command[:2]}, ready {ready}")
check(command[0] == 200, f"ada hears {command}")
held(f"{len(held_open)} slow ones, taken after {took:.1f} s at try {len(answers)}")
