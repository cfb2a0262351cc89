"""A folder with 2,500 playbooks, a file of 1 GiB of nothing among them, and one of a million aliases.

Right: what is no playbook is named, and it starts, or says why not, within 512 MiB."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from within import *

import tempfile

folder = tempfile.mkdtemp(prefix="dogwatch-attack-")
atexit.register(shutil.rmtree, folder, True)
for n in range(2_500):
    with open(os.path.join(folder, f"p{n}.yaml"), "w") as file:
        file.write(f"""apiVersion: dogwatch/v1
kind: Playbook
metadata: {{ name: p{n}, version: 1.0.0, owner: platform }}
summary: "{'s' * 100}"
severity: S3
autonomy: observe
triggers:
  - alert: Alert{n}
target: {{ kind: Deployment, namespace: kube-system, name: coredns }}
diagnose:
  - require: target.spec.replicas >= 9
    because: "it is small"
escalate:
  - page: {{ message: "somebody must look" }}
""")
with open(os.path.join(folder, "large.yaml"), "w") as file:
    file.truncate(1 << 30)
with open(os.path.join(folder, "laughs.yaml"), "w") as file:
    file.write("a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)))
started = time.monotonic()
bot = Bot.__new__(Bot)
try:
    bot.__init__(limits=LIMITS, playbooks=folder)
finally:
    took = time.monotonic() - started
    said = bot.log()
if bot.process.poll() is not None:
    check(bot.process.poll() in (1, 2) and ("large.yaml" in said or "laughs.yaml" in said), f"it died with {bot.process.poll()}: {said[-300:]}")
    held(f"it says after {took:.0f} s why it does not start: {said.strip()[-200:]}")
status, _ = bot.post(body(alert("Alert77")))
check(status == 200, f"refused with {status}")
bot.settled()
check("p77" in bot.post({"command": "/why 1"}, "/v1/commands", TOKENS["ada"])[1], "the playbook is not known")
within(bot, f"started in {took:.0f} s")
