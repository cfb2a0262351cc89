"""The receiver of pages answers 200 too late, closes in the middle of its answer, answers 429 with an absurd Retry-After, drips an endless
500, sends a second status line; the process is killed between. Each page arrives, under one key, and at the end nothing is under way."""
import itertools
import socketserver
from rig import *

seen, done = {}, set()
turn = itertools.count()


class Odd(socketserver.StreamRequestHandler):
    def handle(self):
        length = 0
        while (line := self.rfile.readline().strip()):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if not length:
            return
        told = json.loads(self.rfile.read(length))
        if told.get("kind") != "page":
            return self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        seen.setdefault(told["dedup_key"], 0)
        seen[told["dedup_key"]] += 1
        if seen[told["dedup_key"]] > 1:
            done.add(told["dedup_key"])
            return self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        what = next(turn) % 6
        if what == 0:
            time.sleep(12)
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        elif what == 1:
            self.wfile.write(b"HTTP/1.1 200")
        elif what == 2:
            self.wfile.write(b"HTTP/1.1 429 Slow\r\nretry-after: -5\r\ncontent-length: 3\r\n\r\nno")
        elif what == 3:
            self.wfile.write(b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n")
            for _ in range(30):
                self.wfile.write(b"1\r\nx\r\n")
                time.sleep(1)
        elif what == 4:
            self.wfile.write(b"HTTP/1.1 503 No\r\nretry-after: 1\r\ncontent-length: 99\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
        else:
            self.wfile.write(b"HTTP/1.1 101 Switching\r\n\r\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Odd)
threading.Thread(target=server.serve_forever, daemon=True).start()
pages = Receiver()
pages.url = f"http://127.0.0.1:{server.server_address[1]}/"
bot = Bot(pages=pages)
names = [f"Odd{n}x" for n in range(12)]
for name in names:
    check(bot.post(body(alert(name), group=name))[0] == 200, "refused")
bot.settled()
bot.kill()
bot.start()
begun = time.monotonic()
until(lambda: len(seen) >= 12, 50, f"all 12 pages arrive: {seen}")
until(lambda: len(done) >= 9, 45, f"they are tried again: {seen}")
check(len(seen) == 12, f"{len(seen)} keys for 12 incidents")
check(bot.get("/readyz")[0] == 200 and bot.term() < 20, "it is not ready, or does not end")
held(f"12 pages under 12 keys, {sum(seen.values())} deliveries, {len(done)} again, {time.monotonic() - begun:.0f} s")
