"""A viewer writes commands that change something in every odd way (case, spaces of other scripts, line ends, flags and quotes that look like a dry run), and shows
tokens that are nearly a responder's. Nothing is changed, and none of it is an error of the server."""
from rig import *

bot = Bot()
bot.post(body(alert("Disk")))
bot.settled()
before = bot.cli("why", "INC-1")[1]
COMMANDS = [
    "/ack INC-1", "ACK inc-1", "\u2003/aCk\u2003INC-1", "/ack\nINC-1", "/ack\tINC-1", "//ack INC-1", "/resolve INC-1 --dry-run", "/resolve INC-1",
    "/incidents\n/ack INC-1", "/why INC-1\r\n/resolve INC-1", "/run x", "/run x a=--dry-run", "/run x --set a=1 '--dry-run=1'", '/run x "note=--dry-run"',
    "/run --set --dry-run=x x", "/approve APR-1", "/deny APR-1", "/help\0/ack INC-1", "/ack INC-" + "9" * 3000, "/ack INC--1", "/ack INC-01", "/ack 1", "/" * 4000, "", "\0",
]
answers = {}
for command in COMMANDS:
    for _ in range(3):
        status, answer = bot.post({"command": command}, "/v1/commands", TOKENS["eve"])
        if status != 429:
            break
        time.sleep(1)
    check(400 <= status < 500, f"{command[:40]!r}: {status} {answer[:100]}")
    answers[status] = answers.get(status, 0) + 1
ada = TOKENS["ada"]
near = [ada[:-1], ada + "x", ada.upper(), f'"{ada}"', ada + "," + TOKENS["eve"], "", "ada", WEBHOOK, ada.replace("a", "\u0430", 1).encode().decode("latin-1")]
for token in near:
    status, answer = bot.post({"command": "/ack INC-1"}, "/v1/commands", token)
    check(status in (0, 400, 401, 429), f"{token!r}: {status} {answer}")
for content in ('{"command":"/incidents","command":"/ack INC-1"}', '["/ack INC-1"]', '{"command":["/ack INC-1"]}', '{"command":"/ack INC-1"} {"x":1}', "{" * 60_000, "null"):
    status, answer = bot.post(content, "/v1/commands", TOKENS["eve"])
    check(400 <= status < 500, f"{content[:40]}: {status} {answer[:100]}")
after = bot.cli("why", "INC-1")[1]
check(after == before, f"{before}\n---\n{after}")
held(f"{len(COMMANDS)} commands: {answers}; {len(near)} tokens")
