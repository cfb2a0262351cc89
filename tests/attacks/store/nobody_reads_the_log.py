"""Standard error is a pipe that nobody reads (a log driver that hangs), and is full. A critical alert that comes then is paged, or the process
ends so that it can be started again; SIGTERM ends it within 20 s; nothing that was accepted is lost."""
from rig import *

pages = Receiver(lambda n: (500, {}) if n <= 400 else (200, {}))
bot = Bot(pages=pages)
bot.kill()
reader, writer = os.pipe()
os.set_blocking(writer, False)
try:
    while True:
        os.write(writer, b"x" * 4096)
except BlockingIOError:
    pass
os.set_blocking(writer, True)
pages.answers = lambda n: (200, {})
pages.bodies.clear()
command = [BINARY, "serve", "--config", "dogwatch.yaml"]
bot.process = subprocess.Popen(command, cwd=bot.folder, stdout=writer, stderr=writer, stdin=subprocess.DEVNULL)
begun = time.monotonic()
while bot.get("/readyz")[0] != 200 and time.monotonic() - begun < 15 and bot.process.poll() is None:
    time.sleep(0.2)
ready = bot.get("/readyz")[0]
status = bot.post(body(alert("Unread"), group="u"), timeout=10)[0]
time.sleep(5)
paged = len(pages.pages())
begun = time.monotonic()
took = bot.term(30)
os.close(writer)
check(took < 20, f"SIGTERM took {took:.1f} s")
if status == 200 and not paged:
    bot.start()
    until(lambda: pages.pages(), 20, "it is paged after the restart")
check(paged or status != 200 or ready != 200, "an accepted alert is not paged while the bot says that it is ready")
held(f"readyz {ready}, alert {status}, {paged} pages while nobody read, SIGTERM {took:.1f} s")
