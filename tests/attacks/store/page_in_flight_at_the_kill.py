"""The process is killed while the receiver of a critical page has not answered yet, and starts again at once with a receiver that is well. Whoever opens
the database is alone with it: the page is delivered within 15 s of the start, as runs are taken over at once."""
from rig import *

hang = threading.Event()
pages = Receiver(lambda n: (hang.wait(30) and 0 or 200, {}))
bot = Bot(pages=pages)
check(bot.post(body(alert("Flight"), group="flight"))[0] == 200, "refused")
until(lambda: pages.pages(), 20, "it is on its way")
bot.kill()
pages.answers = lambda n: (200, {})
hang.set()
before = len(pages.pages())
begun = time.monotonic()
bot.start()
until(lambda: len(pages.pages()) > before or time.monotonic() - begun > 20, 30, "it comes again")
took = time.monotonic() - begun
check(took < 15, f"it is not delivered {took:.0f} s after the start")
held(f"delivered {took:.1f} s after the start")
