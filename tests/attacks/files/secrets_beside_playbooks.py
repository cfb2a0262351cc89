"""Files that hold secrets lie in the folder of playbooks: whole ones, and ones that begin like a playbook (a second document, a heredoc, a
playbook pasted into a Secret, a secret as a key, an anchor, a number). None of the secrets reaches the log, `check`, or an answer."""
from rig import *

HEAD = "apiVersion: dogwatch/v1\nkind: Playbook\nmetadata: { name: x, version: 1.0.0 }\n"
FILES = {
    "plain": "hunter2plainhunter2",
    "env": "DATABASE_PASSWORD=hunter2env\nAPI_KEY=hunter2key\n",
    "secret": "apiVersion: v1\nkind: Secret\nstringData:\n  password: hunter2secret\n  other: [hunter2list\n",
    "json": '{"password": "hunter2json", "token": "hunter2token",, }',
    "pem": "-----BEGIN PRIVATE KEY-----\nhunter2pemhunter2pemhunter2pem\n-----END PRIVATE KEY-----\n",
    "second": HEAD + "---\napiVersion: v1\nkind: Secret\nstringData: { password: hunter2second }\n",
    "unclosed": HEAD + "password: \"hunter2unclosed\n",
    "field": HEAD + "password: hunter2field\n",
    "listed": HEAD + "severity: S1\ntriggers: [{ alert: X, token: hunter2listed }]\n",
    "key": HEAD + "severity: S1\nautonomy: observe\npassword hunter2asname: 1\n",
    "block": HEAD + "credentials: |\n  password: hunter2block\n bad\n",
    "severity": HEAD + "severity: { password: hunter2sev }\n",
    "duplicate": HEAD + "api_key: hunter2first\napi_key: hunter2again\n",
    "tag": HEAD + "password: !!binary hunter2tag=\n",
    "basic": HEAD + "url: https://ada:hunter2url@a.example/x\n",
    "comment": HEAD + "severity: S1 # password: hunter2comment\nnonsense: 1 # token=hunter2trailing\n",
}


def put(folder):
    for name, text in FILES.items():
        with open(os.path.join(folder, "playbooks", f"{name}.yaml"), "w") as file:
            file.write(text)


bot = Bot(before=put)
checked = subprocess.run([BINARY, "check", "playbooks"], cwd=bot.folder, capture_output=True, text=True, timeout=60)
text = bot.log() + checked.stdout + checked.stderr
for name in FILES:
    checked = subprocess.run([BINARY, "check", f"playbooks/{name}.yaml"], cwd=bot.folder, capture_output=True, text=True, timeout=60)
    text += checked.stdout + checked.stderr
unsaid = [name for name in FILES if f"{name}.yaml" not in text]
shown = sorted({line.strip()[:170] for line in text.splitlines() if "hunter2" in line})
check(not shown, f"{len(shown)} lines show one: " + " // ".join(shown[:8]))
check(not unsaid, f"nothing is said about {unsaid}")
held(f"{len(FILES)} files, {len(text) // 1024} KiB said about them")
