"""The reader of standard error hangs while the bot works (a log driver that blocks), and the pipe fills up. A critical alert that comes then is paged
all the same, or is not answered with 200; SIGTERM ends the process within 20 s, and what was accepted is paged after the next start.
WAIT=400 waits for so long: a process in which nobody comes further for five minutes ends by itself."""
import fcntl
from rig import *

pages = Receiver()
bot = Bot(pages=pages)
bot.kill()
reader, writer = os.pipe()
fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
command = [BINARY, "serve", "--config", "dogwatch.yaml"]
bot.process = subprocess.Popen(command, cwd=bot.folder, stdout=writer, stderr=writer, stdin=subprocess.DEVNULL)
os.close(writer)
reads = threading.Event()
reads.set()


def read():
    while reads.is_set():
        os.read(reader, 4096)


threading.Thread(target=read, daemon=True).start()
until(lambda: bot.get("/readyz")[0] == 200, 30, "it is ready")
reads.clear()
pages.answers = lambda n: (503, {})
accepted = []
for n in range(25):
    if bot.post(body(alert(f"Pipe{n}x"), group=f"g{n}"), timeout=3)[0] != 200:
        break
    accepted.append(f"Pipe{n}x")
pages.answers = lambda n: (200, {})
pages.bodies.clear()
late = bot.post(body(alert("Late"), group="late"), timeout=3)[0]
begun = time.monotonic()
while time.monotonic() - begun < float(os.environ.get("WAIT", 5)) and bot.process.poll() is None:
    time.sleep(0.5)
ready, paged, ended = bot.get("/readyz")[0], len(pages.pages()), bot.process.poll()
print(f"       readyz {ready}, {len(accepted)} accepted, the late one answered with {late}, {paged} pages, ended with {ended} after {time.monotonic() - begun:.0f} s")
took = bot.term(30) if ended is None else 0
check(took < 20, f"SIGTERM took {took:.1f} s")
stuck = late == 200 and not any("Late" in page["title"] for page in pages.pages())
bot.start()
bot.settled()
until(lambda: all(name in json.dumps(pages.pages()) for name in accepted), 20, "what was accepted is paged")
check(float(os.environ.get("WAIT", 5)) < 330 or ended is not None, "nobody comes further for more than five minutes, and the process does not end")
check(not stuck or ready != 200, "it accepts and says that it is ready, and pages nobody")
held(f"readyz {ready}, late one {late}, {paged} pages with the pipe full, SIGTERM {took:.1f} s")
