"""What a sender may add in good faith or by mistake around an S1 alert: fields of any depth and size, numbers beyond all bounds, keys given twice
in labels, a chunked body of one byte each, `null` for what is empty. An alert that can be read is paged; the bot stays up."""
import socket as sockets
from rig import *

pages = Receiver()
bot = Bot(pages=pages)


def wire(n, extra="", labels="", more=""):
    return (
        f'{{{extra}"version":"4","groupKey":"g{n}","receiver":"r","alerts":[{{{more}"status":"firing","labels":{{{labels}'
        f'"alertname":"A{n}","severity":"critical"}},"annotations":null,"startsAt":"2026-03-02T08:00:00Z","endsAt":null}}]}}'
    )


deep = "[" * 500_000 + "]" * 500_000
bodies = [
    wire(0, f'"x":{deep},'), wire(1, more=f'"x":{deep},'), wire(2, '"x":1e999999,"y":-1e-999999,'), wire(3, '"x":' + "9" * 100_000 + ","),
    wire(4, labels='"severity":"info","alertname":"B",'), wire(5, '"truncatedAlerts":18446744073709551615,'),
    wire(6, '"x":"\\ud83d\\ude00\\u0000",'), wire(7, more='"values":{"B":1e308},'), " \n\t" * 100_000 + wire(8), wire(9, labels='"":"",'),
    wire(10, '"groupLabels":null,"commonLabels":null,"externalURL":null,'),
]
refused = {}
for n, text in enumerate(bodies):
    status, answer = bot.post(text)
    if status != 200:
        refused[n] = (status, answer[:150])
with sockets.create_connection(("127.0.0.1", bot.port)) as raw:
    raw.sendall(f"POST /v1/alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {WEBHOOK}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for letter in wire(11):
        raw.sendall(f"1\r\n{letter}\r\n".encode())
    raw.sendall(b"0\r\n\r\n")
    check(b" 200 " in raw.recv(4096)[:20], "the body of one-byte chunks is refused")
wrong = {"lone half of a letter": wire(20, '"x":"\\ud800",'), "no end": wire(21)[:-1], "not UTF-8": wire(22).encode() + b"\xff", "deep alerts": '{"version":"4","groupKey":"g","alerts":' + deep + "}", "deep version": '{"version":' + deep + "}"}
for what, text in wrong.items():
    status, _ = bot.post(text)
    check(status in (200, 400), f"{what}: {status}")
check(not refused, f"refused: {refused}")
bot.settled()
until(lambda: len({page["dedup_key"] for page in pages.pages()}) >= len(bodies) + 1, 20, f"all are paged, not {len(pages.pages())}")
check(bot.get("/readyz")[0] == 200 and "panicked" not in bot.log(), "it is in trouble")
held(f"{len(bodies) + 1} odd bodies are paged, {len(wrong)} wrong ones answered, {bot.memory_mib():.0f} MiB")
