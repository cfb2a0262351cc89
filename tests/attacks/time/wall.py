"""A bot whose wall clock can be set under way: libfaketime stands between it and the machine's."""

import glob
import os
import sys
import tempfile

from rig import *

LIBRARY = (glob.glob("/usr/lib/*/faketime/libfaketime.so.1") + glob.glob("/usr/lib/faketime/libfaketime.so.1") + [""])[0]


class Wall:
    """Seconds by which the bot's wall clock is off."""

    def __init__(self, off=0):
        if not LIBRARY:
            print("libfaketime.so.1 is nowhere: apt-get install faketime")
            sys.exit(2)
        self.folder = tempfile.mkdtemp(prefix="dogwatch-attack-wall-")
        atexit.register(shutil.rmtree, self.folder, True)
        self.path = os.path.join(self.folder, "wall")
        self.set(off)
        self.env = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def set(self, off):
        self.off = off
        with open(self.path + ".new", "w") as file:
            file.write(f"{off:+.3f}")
        os.rename(self.path + ".new", self.path)

    def now(self):
        return time.time() + self.off

    def set_and_followed(self, bot, off):
        before = bot.metric("dogwatch_clock_set_total") or 0
        self.set(off)
        until(lambda: (bot.metric("dogwatch_clock_set_total") or 0) > before, 30, "the clock that was set is noticed")


def rfc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
