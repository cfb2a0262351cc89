"""What the attacks on memory share: a process that may not have more than 512 MiB, and raw connections to it."""
import socket

from rig import *

MOST = 512
LIMITS = "ulimit -d 524288"


def head(length, path="/v1/alertmanager", token=WEBHOOK, more=""):
    return (
        f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {token}\r\ncontent-length: {length}\r\n{more}\r\n"
    ).encode()


def connect(bot, receive=None):
    connection = socket.socket()
    if receive:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", bot.port))
    return connection


def within(bot, what=""):
    """It lives, is ready, and never had more than it may."""
    code = bot.process.poll()
    if code is not None:
        broke(f"it died with {code}: {bot.log()[-300:].strip()} {what}")
    until(lambda: bot.process.poll() is not None or bot.get("/readyz")[0] == 200, 30, "it is ready again")
    most = bot.memory_mib()
    check(most < MOST, f"it had {most:.0f} MiB; {what}")
    held(f"{most:.0f} MiB at the most; {what}")
