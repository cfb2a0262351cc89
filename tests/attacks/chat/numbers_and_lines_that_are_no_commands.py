"""On the console: numbers that overflow, lines of a megabyte, bytes that are no text, NULs, a thousand commands at once, no last line end.

Right: each gets one short answer, the next command after it is answered, and the end of the input ends nothing else."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from people import *

bot = Talking()
bot.post(body(alert("Real")))
bot.settled()
odd = ["/ack INC-99999999999999999999999", "/ack -1", "/ack INC--1", "/why 0", "/why INC-9223372036854775807", "/resolve 9223372036854775808 x",
       "/approve APR-9223372036854775807", "/ack \u0661", "/ack 1e3", "/why 0x1", "/ack " + "9" * 3000, "/run " + "a=" * 1500, "/run x " + "'" * 999,
       "\0\0\0", "/ack\0 1", "\udcff\udcfe", "\x1b[A\x1b[B", "/" * 3000, "/deny APR-404", "/run --set --set", "/handoff x" * 100]
for line in odd:
    bot.type(line)
bot.type("x" * (1 << 20) + " /resolve INC-1")
for _ in range(300):
    bot.type("/why INC-1")
bot.type("/why INC-424242")
until(lambda: "INC-424242" in bot.out(), 40, "the last command is answered")
out = bot.out()
answers = [line for line in out.splitlines() if line.startswith("! ")]
check(len(answers) == len(odd) + 2, f"{len(answers)} answers to {len(odd) + 2} lines that are wrong: {[a[:70] for a in answers]}")
check(max(len(line) for line in answers) < 400, f"an answer has {max(len(line) for line in answers)} letters: {max(answers, key=len)[:200]}")
bad = [line for line in answers if unclean(line)]
check("resolved by" not in asks(bot, "/why 1")[1], "the rest of a long line was a command")
bot.process.stdin.write(b"/incidents")
bot.process.stdin.close()
time.sleep(1)
check(bot.process.poll() is None and bot.get("/readyz")[0] == 200, "the end of the input ended it")
check(not bad, f"{len(bad)} answers hold characters that are not to be seen: {bad[:1]!r:.200}")
held(f"{len(odd)} odd lines, 300 commands")
