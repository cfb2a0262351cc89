"""What the attacks on chat share: a bot with a console, all that people can read of a bot, and what must not stand in it."""
import unicodedata

from rig import *


def console_on(folder):
    path = os.path.join(folder, "dogwatch.yaml")
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace("console: off", "console: on"))


class Talking(Bot):
    """A bot with its console on: what is typed goes to `type`, what it writes stands in the file `out`."""

    def __init__(self, **more):
        super().__init__(before=console_on, **more)

    def start(self, wait=True):
        log, out = open(os.path.join(self.folder, "log"), "ab"), open(os.path.join(self.folder, "out"), "ab")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--config", "dogwatch.yaml"], cwd=self.folder, stdout=out, stderr=log,
            stdin=subprocess.PIPE, env={**os.environ, **self.env},
        )
        until(lambda: self.get("/readyz")[0] == 200 or self.process.poll() is not None, 60, "it is ready")

    def type(self, line):
        self.process.stdin.write(line.encode(errors="surrogateescape") + b"\n")
        self.process.stdin.flush()

    def out(self):
        with open(os.path.join(self.folder, "out"), errors="replace", newline="") as file:
            return file.read()


def asks(bot, command, token="ada", **headers):
    status, text = bot.post({"command": command}, path="/v1/commands", token=TOKENS.get(token, token), headers=headers)
    try:
        answer = json.loads(text)
    except ValueError:
        return status, text
    return status, answer.get("reply", text)


def unclean(text):
    """The first character that moves a cursor, turns the text or is not seen."""
    for letter in text:
        category = unicodedata.category(letter)
        if (category in ("Cc", "Cf", "Zl", "Zp") and letter != "\n") or letter in "\u3164\u115f\u1160\uffa0\u034f":
            return f"U+{ord(letter):04X}"
    return None


def everything(bot, pages, incidents=()):
    """By its name, all that somebody can read."""
    texts = {"log": bot.log(), "metrics": bot.get("/metrics")[1]}
    for command in ["/incidents", "/incidents all", "/handoff", *[f"/why {n}" for n in incidents]]:
        status, texts[command] = asks(bot, command)
        while status == 429:
            time.sleep(0.5)
            status, texts[command] = asks(bot, command)
        check(status == 200, f"{command} is answered with {status} {texts[command][:200]}")
    for n, sent in enumerate(pages.bodies if pages else []):
        texts[f"{sent['kind']} {n}"] = json.dumps(sent, ensure_ascii=False)
    if isinstance(bot, Talking):
        texts["console"] = bot.out()
    return texts
