"""A token's file is a pipe, a folder, a device, a link in a loop, empty, white space only, of 1 GiB, no UTF-8, has a line break or a NUL within, or stands
twice. The process ends at once with a word on which file it is, and shows nothing of its content; or it takes what can be a token: what no header can hold would let nobody in, while the bot says that it is ready."""
from rig import *

bot = Bot()
bot.kill()
path = os.path.join(bot.folder, "eve")


def nothing():
    os.path.isdir(path) and not os.path.islink(path) and os.rmdir(path)
    os.path.lexists(path) and os.remove(path)


def text(content):
    with open(path, "wb") as file:
        file.write(content)


kinds = {
    "pipe": lambda: os.mkfifo(path),
    "folder": lambda: os.mkdir(path),
    "device": lambda: os.symlink("/dev/zero", path),
    "loop": lambda: os.symlink("eve", path),
    "missing": lambda: None,
    "empty": lambda: text(b""),
    "white": lambda: text(b" \n\t\n"),
    "invisible": lambda: text("\ufeff\u200b".encode()),
    "huge": lambda: (text(b""), os.truncate(path, 1 << 30)),
    "bytes": lambda: text(b"\xff\xfehunter2"),
    "two lines": lambda: text(b"hunter2-of-the-first-line\nhunter2-of-the-second-line\n"),
    "nul": lambda: text(b"hunter2-with-a-nul\0hunter2-behind-it"),
    "same as ada's": lambda: text(TOKENS["ada"].encode()),
    "short": lambda: text(b"hunter2"),
}
taken = []
for kind, make in kinds.items():
    nothing()
    make()
    with open(os.path.join(bot.folder, "log"), "w"):
        pass
    begun = time.monotonic()
    bot.start(wait=False)
    while bot.process.poll() is None and bot.get("/readyz")[0] != 200 and time.monotonic() - begun < 8:
        time.sleep(0.1)
    said = bot.log()
    check("hunter2" not in said, f"{kind}: {said[-200:]}")
    if bot.process.poll() is None:
        check(bot.get("/readyz")[0] == 200, f"{kind}: it hangs: {said[-200:]}")
        taken.append(kind)
        bot.kill()
    else:
        check(bot.process.returncode > 0 and "eve" in said, f"{kind}: ends with {bot.process.returncode}: {said[-200:]}")
check(not set(taken) - {"short"}, f"taken as a token, though no caller can send it in a header: {[kind for kind in taken if kind != 'short']}")
held(f"{len(kinds)} kinds, taken: {taken}")
