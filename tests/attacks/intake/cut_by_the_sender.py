"""Alertmanager's `max_alerts` cuts a group and says so (`truncatedAlerts`). Nobody sends the rest, so a person must hear of it, and it must
be counted: the bot's own bounds do so, and their advice is to set `max_alerts`."""
from rig import *

pages = Receiver()
bot = Bot(pages=pages)
status, _ = bot.post(body(alert("Minor", severity="warning"), truncatedAlerts=40))
check(status == 200, f"refused with {status}")
bot.settled()
time.sleep(3)
_, answer = bot.post(body(alert("Minor", severity="warning"), alert("Two", severity="warning"), truncatedAlerts=39))
bot.settled()
time.sleep(2)
told = {
    "the answer": "left_out" in answer or "truncated" in answer,
    "the log": "truncated" in bot.log() or "left out" in bot.log(),
    "the metrics": 'dogwatch_left_out_total{what="alerts",by="sender"} 79' in bot.get("/metrics")[1],
    "/incidents": "left out" in bot.cli("incidents")[1],
    "/why": any(word in bot.cli("why", "INC-1")[1] for word in ("left out", "truncated", "40")),
    "a page": any("left out" in json.dumps(page) and "40 alerts" in page["body"] for page in pages.pages()),
    "once": sum("left out" in page["title"] for page in pages.pages()) == 1,
}
check(all(told.values()), f"40 alerts that the sender left out are not told of everywhere: {told}")
held(str(told))
