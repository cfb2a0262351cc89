"""The process dies (-9) again and again while its team's budget of pages is spent: pages of one shape are told in one, none is lost, and when
that one is over, the next goes out by itself."""
from rig import *

receiver = Receiver()
bot = Bot(pages=receiver)


def disk(n, status="firing"):
    labels = dict(severity="warning", namespace=f"shop-{n}", deployment=f"web-{n}")
    ends = {"ends": "2026-03-02T09:00:00Z"} if status == "resolved" else {}
    return body(alert("DiskSlow" if n > 1 else f"Other{n}", status=status, **ends, **labels), group=f"g{n}")


def dies():
    bot.kill()
    bot.start()


def fires(n):
    check(bot.post(disk(n))[0] == 200, f"alert {n} is refused")
    dies()
    bot.settled(60)


def listed():
    told = json.loads(bot.cli("incidents", "-o", "json")[1])["incidents"]
    return {incident["title"].split("shop-")[1].split(" ")[0].split(":")[0]: incident for incident in told}


def reach(n):
    return [page["reach"] for page in listed()[str(n)]["pages"]]


# Two of other shapes spend the budget, the third goes out and carries the fourth.
for n in range(4):
    fires(n)
keys = lambda: {page["dedup_key"] for page in receiver.pages()}
until(lambda: len(keys()) == 3, 30, "three pages are out")
check(reach(3) == ["folded"], f"the fourth is not folded: {reach(3)}")
carrier = listed()["2"]["id"]
check(listed()["3"]["pages"][0]["folded_into"] == carrier, "it is folded into something else")
until(lambda: any(listed()["3"]["id"] in json.dumps(page) for page in receiver.pages()), 90, "the carrier tells of it")
check("budget" in bot.cli("why", listed()["3"]["id"])[1], "why does not tell of the budget")

# The carrier is over: what it told of goes out, whenever the process dies.
check(bot.post(disk(2, "resolved"))[0] == 200, "the end is refused")
dies()
until(lambda: len(keys()) == 4, 60, "what was folded goes out")
check(reach(3) in (["on_its_way"], ["delivered"]), f"it is {reach(3)}")
for _ in range(3):
    dies()
time.sleep(2)
check(len(keys()) == 4, f"{len(keys())} pages for four incidents: {sorted(keys())}")
held(f"{len(keys())} pages for four incidents, {len(receiver.pages())} deliveries")
