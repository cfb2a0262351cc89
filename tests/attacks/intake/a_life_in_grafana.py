"""Grafana tells of an alert: it fires, fires on with other values and texts, ends, and fires anew, in two organisations with the same labels and
the same group. One page for each organisation's incident and firing; ends end only what they are about."""
from rig import *

pages = Receiver()
bot = Bot(pages=pages)


def told(org, status="firing", starts="2026-03-02T08:00:00Z", value=1.5, ends="0001-01-01T00:00:00Z"):
    one = alert("CPU", status=status, starts=starts, ends=ends, grafana_folder=f"org{org}")
    one.update(values={"B": value}, valueString=f"[ var='B' value={value} ]", dashboardURL="", panelURL="", silenceURL="x", imageURL="", fingerprint=f"f{org}")
    one["annotations"] = {"summary": f"{value}"}
    return {
        "receiver": "dogwatch", "status": status, "orgId": org, "alerts": [one], "groupLabels": {"alertname": "CPU"}, "commonLabels": {},
        "commonAnnotations": {}, "externalURL": "", "version": "1", "groupKey": "{}:{alertname=\"CPU\"}", "truncatedAlerts": 0,
        "title": "[FIRING:1]", "state": "alerting", "message": "**Firing**",
    }


for value in (1.5, 2.5, 2.5, 1e300):
    for org in (1, 2):
        status, answer = bot.post(told(org, value=value))
        check(status == 200, f"{status} {answer}")
bot.settled()
until(lambda: len({p["dedup_key"] for p in pages.pages()}) >= 2, 20, "both are paged")
time.sleep(1)
check(len({p["dedup_key"] for p in pages.pages()}) == 2, f"{len(pages.pages())} pages of two incidents")
bot.post(told(1, "resolved", ends="2026-03-02T09:00:00Z"))
bot.settled()
_, table = bot.cli("incidents")
check(table.count("INC-") == 1, f"one end ends not one incident: {table}")
bot.post(told(2, starts="2026-03-02T10:00:00Z"))
bot.post(told(1, starts="2026-03-02T10:00:00Z"))
bot.settled()
until(lambda: len({p["dedup_key"] for p in pages.pages()}) >= 3, 20, "the new firing is paged")
held(f"{len(pages.pages())} deliveries of {len({p['dedup_key'] for p in pages.pages()})} pages")
