"""One idempotency key: sixteen at once, again after kill -9, with another command, by another person, and with keys that are none. It is done once,
with one answer."""
from rig import *

bot = Bot()
bot.post(body(alert("Disk")))
bot.settled()


def ask(command, key, token="ada"):
    headers = {"idempotency-key": key}
    return bot.post({"command": command}, "/v1/commands", TOKENS[token], headers)


answers = []
note = "/resolve INC-1 the note of a person"
askers = [threading.Thread(target=lambda: answers.append(ask(note, "one"))) for _ in range(16)]
[asker.start() for asker in askers]
[asker.join() for asker in askers]
bot.kill()
bot.start()
answers += [ask(note, "one"), ask("  " + note, "one"), ask(note.replace("/", ""), "one")]
taken = {answer for answer in answers if answer[0] != 429}
check(len(taken) == 1 and taken.pop()[0] == 200, f"more than one answer: {set(answers)}")
other = ask("/ack INC-1", "one")
check(other[0] == 409 and "another command" in other[1], f"another command with the key: {other}")
odd = {key: ask("/ack INC-1", key)[0] for key in ("", "x" * 201, "\x7f", "k" * 200, "ada:one", "one ")}
check(odd[""] == 400 and odd["x" * 201] == 400, f"{odd}")
why = bot.cli("why", "INC-1")[1]
check(why.count("the note of a person") == 1, f"the note stands {why.count('the note of a person')} times")
held(f"{len(answers)} askings, odd keys: {list(odd.values())}")
