"""A list of empty pages, each of which names a next one: the API server is not flooded with questions for the next one, and nothing is changed."""
from apiserver import *

n = [0]


def lie(method, path, query, body):
    if path.endswith("/pods"):
        n[0] += 1
        return 200, {}, ApiServer.list_of("Pod", path, [], **{"continue": f"page-{n[0]}"})


api, pages = ApiServer(lie), Receiver()
bot = site(api, Prom(), pages)
bot.post(body(alert("WebSlow", severity="warning")))
until(lambda: n[0], 20, "it lists pods")
began = time.monotonic()
end = began + 20
while time.monotonic() < end and not pages.pages():
    time.sleep(0.2)
asked, lasted = n[0], time.monotonic() - began
check(not api.changes, f"it changed {api.changes}")
check(asked < 2000, f"it asked for {asked} pages within {lasted:.0f} s, {asked / lasted:.0f} a second, without an end")
held(f"{asked} pages")
