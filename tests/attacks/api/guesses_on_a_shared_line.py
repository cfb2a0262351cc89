"""Behind an ingress all share its address and its connections. On one connection right and wrong secrets are mixed, pipelined too, while forty others
guess as fast as they can: each right one is answered soon, no wrong one is let in, and no answer goes to another's question."""
import socket
from rig import *

bot = Bot()
stop, guesses = threading.Event(), [0]


def guess(n):
    while not stop.is_set():
        try:
            bot.post({"command": "/incidents"}, "/v1/commands", f"guess-{n}-{guesses[0]}", timeout=3)
        except Exception:
            pass
        guesses[0] += 1


def wire(token, path, content, last=False):
    text = json.dumps(content)
    end = "Connection: close\r\n" if last else ""
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{end}Content-Length: {len(text)}\r\n\r\n{text}".encode()


for n in range(40):
    threading.Thread(target=guess, args=(n,), daemon=True).start()
time.sleep(1)
slowest, let_in = 0.0, 0
for n in range(100):
    started = time.monotonic()
    status, answer = bot.post({"command": "/help"}, "/v1/commands", TOKENS["ada"] if n % 2 else TOKENS["eve"], timeout=10)
    check(status == 200, f"a right secret had {status} {answer[:80]} among {guesses[0]} guesses")
    slowest = max(slowest, time.monotonic() - started)
    check(bot.post(body(alert(f"A{n}", severity="info")), timeout=10)[0] == 200, "a delivery was refused")
    time.sleep(0.05)
for first, second in ((WEBHOOK, "wrong"), ("wrong", WEBHOOK), (TOKENS["ada"], WEBHOOK), (TOKENS["eve"], WEBHOOK)):
    with socket.create_connection(("127.0.0.1", bot.port), 5) as raw:
        raw.settimeout(5)
        path = "/v1/alertmanager"
        raw.sendall(wire(first, path, body(alert("Pipe1"))) + wire(second, path, body(alert("Pipe2")), True))
        got = b""
        try:
            while more := raw.recv(65536):
                got += more
        except OSError:
            pass
        right = [first == WEBHOOK, second == WEBHOOK]
        statuses = [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]]
        check(statuses.count(b"200") <= sum(right), f"{right}: {statuses}")
        if right[0]:
            check(statuses[:1] == [b"200"], f"the right one before a wrong one: {statuses}")
stop.set()
check(slowest < 2, f"a right secret waited {slowest:.1f} s")
held(f"{guesses[0]} guesses, the slowest right one took {slowest:.2f} s")
