"""401, 403 and 429 to everything but the Lease, each for a while: nothing is changed, somebody is paged, and the API server is not flooded."""
from apiserver import *

code = [0]


def lie(method, path, query, body):
    if code[0] and not path.startswith(LEASE):
        return failure(code[0], {401: "Unauthorized", 403: "Forbidden", 429: "TooManyRequests"}[code[0]])


api, pages = ApiServer(lie), Receiver()
bot = site(api, Prom(), pages)
until(lambda: api.lease, 20, "it has the lease")
figures = {}
for n, code[0] in enumerate((401, 403, 429)):
    before = len(api.requests)
    bot.post(body(alert("WebSlow", severity="warning", starts=f"2026-03-02T0{n}:00:00Z", code=str(code[0])), group=f"g{n}"))
    time.sleep(8)
    figures[code[0]] = len(api.requests) - before
    bot.cli("resolve", f"INC-{n + 1}")
check(not api.changes, f"{api.changes}")
check(max(figures.values()) < 100, f"requests: {figures}")
check(pages.pages(), "nobody was paged")
held(f"requests {figures}, {len(pages.pages())} pages")
