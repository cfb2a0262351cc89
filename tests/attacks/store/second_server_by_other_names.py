"""A second server on the same database: by a link to its folder, by a link to the file, by a hard link made while the first works, after the
`.lock` beside it was deleted, by /proc/self/cwd. None of them opens it; the first one works on and loses nothing."""
from rig import *

pages = Receiver()
bot = Bot(pages=pages)
second = os.path.join(bot.folder, "second")
os.mkdir(second)
with open(os.path.join(bot.folder, "dogwatch.yaml")) as file:
    config = file.read().replace(f"127.0.0.1:{bot.port}", f"127.0.0.1:{free_port()}")
for name in ("ada", "eve", "webhook", "oncall.yaml", "kubeconfig.yaml"):
    shutil.copy(os.path.join(bot.folder, name), second)
os.mkdir(os.path.join(second, "playbooks"))
database = os.path.join(bot.folder, "dogwatch.db")
os.symlink(bot.folder, os.path.join(second, "folder"))
os.symlink(database, os.path.join(second, "linked.db"))


def refused(path):
    with open(os.path.join(second, "dogwatch.yaml"), "w") as file:
        file.write(config + f"store: {{ sqlite: \"{path}\" }}\n")
    try:
        done = subprocess.run([BINARY, "serve", "--config", "dogwatch.yaml"], cwd=second, capture_output=True, text=True, timeout=12)
    except subprocess.TimeoutExpired:
        broke(f"a second server works on the database by {path}")
    check(done.returncode != 0, f"{path}: ends with 0")
    return done.stderr[-120:]


said = [refused("folder/dogwatch.db"), refused("linked.db"), refused("/proc/self/cwd/../dogwatch.db")]
os.remove(database + ".lock")
said.append(refused("../dogwatch.db"))
os.link(database, os.path.join(second, "hard.db"))
said.append(refused("hard.db"))
status, _ = bot.post(body(alert("Mine"), group="mine"))
check(status == 200, f"the first refuses with {status}")
until(lambda: pages.pages(), 20, "it is paged")
os.remove(os.path.join(second, "hard.db"))
bot.kill()
bot.start()
check("Mine" in bot.cli("incidents")[1], "it is lost")
held(f"{len(said)} second servers refused")
