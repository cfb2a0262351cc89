"""The folder of playbooks holds a pipe, a socket, links in a loop, to devices, to the process itself, a folder named like a playbook, a name
that is no UTF-8, a sparse file of 1 TiB, an alias bomb, files of 200 KB that are all wrong, nothing but bytes. The bot starts within a minute, says what is wrong with each,
runs what is sound, and needs less than 300 MiB."""
from rig import *

GOOD = os.path.join(ROOT, "playbooks", "storage")


def zoo(folder):
    at = lambda name: os.path.join(folder, "playbooks", name)
    os.mkfifo(at("pipe.yaml"))
    socket.socket(socket.AF_UNIX).bind(at("sock.yaml"))
    os.symlink("loop2.yaml", at("loop1.yaml"))
    os.symlink("loop1.yaml", at("loop2.yaml"))
    for name, target in (("zero", "/dev/zero"), ("tty", "/dev/tty"), ("mem", "/proc/self/mem"), ("environ", "/proc/self/environ"), ("stdin", "/dev/stdin"), ("self", "."), ("up", "..")):
        os.symlink(target, at(f"{name}.yaml"))
    os.mkdir(at("folder.yaml"))
    open(at("").encode() + b"\xff\xfe.yaml", "w").close()
    with open(at("huge.yaml"), "w") as file:
        file.truncate(1 << 40)
    with open(at("bomb.yaml"), "w") as file:
        file.write("apiVersion: dogwatch/v1\nkind: Playbook\na: &a [x,x,x,x,x,x,x,x,x]\n")
        for last, name in zip("abcdefghijk", "bcdefghijkl"):
            file.write(f"{name}: &{name} [{','.join([f'*{last}'] * 9)}]\n")
    with open(at("deep.yaml"), "w") as file:
        file.write("apiVersion: dogwatch/v1\nkind: Playbook\ndiagnose: " + "[" * 100_000)
    with open(at("bytes.yaml"), "wb") as file:
        file.write(bytes(range(256)) * 100)
    for n in range(8):
        with open(at(f"much-{n}.yaml"), "w") as file:
            file.write("apiVersion: dogwatch/v1\nkind: Playbook\n" + "x: [1, 2]\n" * 20_000)
    # As the kubelet mounts a ConfigMap.
    os.mkdir(at("..2026_03"))
    good = next(name for name in sorted(os.listdir(GOOD)) if name.endswith(".yaml") and not name.endswith(".cases.yaml"))
    os.replace(at(good), at("..2026_03/" + good))
    os.symlink("..2026_03", at("..data"))
    os.symlink("..data/" + good, at(good))
    found.append(good)


found = []
begun = time.monotonic()
bot = Bot(playbooks=GOOD, before=zoo)
took = time.monotonic() - begun
check(bot.process.poll() is None, f"it does not start: {bot.log()[-300:]}")
log = bot.log()
unsaid = [name for name in ("pipe", "sock", "loop1", "loop2", "zero", "tty", "mem", "environ", "stdin", "huge", "bomb", "deep", "bytes", "much-7") if f"{name}.yaml" not in log]
check(not unsaid, f"nothing is said about {unsaid}")
check(f"/{found[0]}" not in log, f"the ConfigMap's {found[0]} is not taken: {[l for l in log.splitlines() if found[0] in l][:1]}")
check(bot.memory_mib() < 300, f"{bot.memory_mib():.0f} MiB")
check(max(map(len, log.splitlines())) < 20_000, f"a line of {max(map(len, log.splitlines()))} bytes on the log")
held(f"ready after {took:.1f} s, {bot.memory_mib():.0f} MiB, log of {len(log) // 1024} KiB")
