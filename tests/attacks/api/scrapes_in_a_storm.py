"""Eight scrapers ask for metrics without rest while 2,000 alerts of 2,000 names and 100 deliveries come in and probes go on. Scrapes and probes are answered
within ten, three and one seconds, the metrics stay small, and end consistent; no alert's text is in them."""
from rig import *

bot = Bot()
stop, times, wrong = threading.Event(), {"/metrics": [], "/readyz": [], "/healthz": []}, []


def scrape(path, pause):
    while not stop.is_set():
        started = time.monotonic()
        status, text = bot.get(path)
        times[path].append(time.monotonic() - started)
        if status != 200 or (path == "/metrics" and "dogwatch_pending_signals" not in text):
            wrong.append((path, status, text[:120], round(times[path][-1], 1)))
        time.sleep(pause)


for path, many, pause in (("/metrics", 8, 0.02), ("/readyz", 2, 0.2), ("/healthz", 2, 0.2)):
    for _ in range(many):
        threading.Thread(target=scrape, args=(path, pause), daemon=True).start()
check(bot.post(body(*(alert(f"Name{n}\"}}\n", severity="warning", team=f"t{n}") for n in range(2_000))))[0] == 200, "refused")
for n in range(100):
    check(bot.post(body(alert(f"N{n}", severity="info"), group=f"g{n}"), timeout=20)[0] == 200, "refused")
bot.settled(40)
stop.set()
time.sleep(0.5)
text = bot.get("/metrics")[1]
check(not wrong, f"{len(wrong)} wrong, such as {wrong[:3]}")
worst = {path: max(took) for path, took in times.items()}
check(worst["/metrics"] < 10 and worst["/readyz"] < 3 and worst["/healthz"] < 1, f"{worst}")
check("Name1" not in text and len(text) < 200_000, f"{len(text)} bytes of metrics")
firing = next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if "alerts" in line and 'status="firing"' in line)
check(firing == 2_100, f"{firing} alerts are counted")
held(f"{len(times['/metrics'])} scrapes, slowest {({path: round(took, 2) for path, took in worst.items()})} s, {len(text)} bytes")
