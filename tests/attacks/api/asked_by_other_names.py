"""Nothing authenticates: only this machine may ask. Raw requests with odd Host headers, two of them, an address in the request line, browsers' headers in
odd writing, methods and types that a page may send without asking: none makes a signal."""
import socket
from rig import *

bot = Bot(auth=False)
text = json.dumps(body(alert("Forged")))


def ask(*headers, line="POST /v1/alertmanager HTTP/1.1", content=text, json_type=True):
    more = "".join(f"{header}\r\n" for header in headers) + ("Content-Type: application/json\r\n" if json_type else "")
    with socket.create_connection(("127.0.0.1", bot.port), 5) as raw:
        raw.settimeout(5)
        raw.sendall(f"{line}\r\n{more}Content-Length: {len(content)}\r\nConnection: close\r\n\r\n{content}".encode())
        got = raw.recv(65536)
    return int(got[9:12]) if got[:5] == b"HTTP/" else 0


own = "Host: 127.0.0.1"
odd = {
    "name": ask("Host: evil.example"), "name like ours": ask("Host: localhost.evil.example"), "two": ask(own, "Host: evil.example"),
    "two, turned": ask("Host: evil.example", own), "line": ask(own, line="POST http://evil.example/v1/alertmanager HTTP/1.1"),
    "number like": ask("Host: 127.0.0.1.evil.example"), "v6 like": ask("Host: [::1].evil.example"), "empty": ask("Host: "),
    "origin null": ask(own, "Origin: null"), "own origin": ask(own, "Origin: http://127.0.0.1"), "site": ask(own, "sEc-FeTcH-sItE: SAME-ORIGIN"),
    "empty site": ask(own, "Sec-Fetch-Site:"), "text": ask(own, "Content-Type: text/plain", json_type=False), "no type": ask(own, json_type=False),
    "form": ask(own, "Content-Type: application/x-www-form-urlencoded; a=application/json", json_type=False),
    "two types": ask(own, "Content-Type: text/plain"), "get": ask(own, line="GET /v1/alertmanager HTTP/1.1"), "put": ask(own, line="PUT /v1/alertmanager HTTP/1.1"),
    "options": ask(own, line="OPTIONS /v1/alertmanager HTTP/1.1"), "dots": ask(own, line="POST /x/../v1/alertmanager HTTP/1.1"),
    "both lengths": ask(own, "Transfer-Encoding: chunked", content="0\r\n\r\nPOST /v1/alertmanager HTTP/1.1\r\n\r\n"),
    "command": ask(own, line="POST /v1/commands HTTP/1.1", content='{"command":"/incidents"}'),
}
check(200 not in odd.values(), f"let in: {odd}")
check("INC-" not in bot.cli("incidents")[1], "an incident was made")
check(ask(own) == 200 and ask("Host: localhost:1") == 200, "an honest one is refused")
held(f"{len(odd)} odd ones: {sorted(set(odd.values()))}")
