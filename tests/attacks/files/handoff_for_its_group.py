"""Under systemd's `UMask=0077` a handoff of mode 0640 is written into a folder that the bot makes. Whoever may read the report may reach it:
the configuration says who may list a folder that is made. With mode 0600 nobody else may, under a umask of 0."""
from rig import *


def made(mode, umask):
    bot.write("handoff.yaml", config + f"handoff: {{ dir: \"reports-{mode}-{umask}/platform\", mode: \"{mode}\" }}\n")
    done = subprocess.run(
        ["sh", "-c", f"umask {umask}; exec \"$0\" \"$@\"", BINARY, "handoff", "--config", "handoff.yaml"],
        cwd=bot.folder, capture_output=True, text=True, timeout=30,
    )
    check(done.returncode == 0, done.stderr)
    folder = os.path.join(bot.folder, f"reports-{mode}-{umask}", "platform")
    file = os.path.join(folder, os.listdir(folder)[0])
    return tuple(oct(os.stat(path).st_mode & 0o777) for path in (os.path.dirname(folder), folder, file))


bot = Bot()
with open(os.path.join(bot.folder, "dogwatch.yaml")) as file:
    config = file.read()
closed = made("0600", "000")
check(closed == ("0o700", "0o700", "0o600"), f"mode 0600, umask 000: {closed}")
usual = made("0640", "022")
check(usual == ("0o750", "0o750", "0o640"), f"mode 0640, umask 022: {usual}")
hard = made("0640", "077")
check(hard[2] == "0o640", f"mode 0640, umask 077: {hard}")
check(hard[1] == "0o750", f"mode 0640, umask 077: its group may read the file and cannot reach it: {hard}")
held(f"{closed} {usual} {hard}")
