#!/usr/bin/python3
"""A stand-in for certbot, for faults which the real certbot cannot be made to show, and for nothing else.

Whatever is not `certonly` goes to the real one. The fault is named by the file `fault` beside this script; what a test
wants to know of it is left in files beside it too.
"""

import datetime
import os
import pathlib
import signal
import sys
import time

HERE = pathlib.Path(sys.argv[0]).parent


def argument(name):
    return pathlib.Path(sys.argv[sys.argv.index(name) + 1])


def log(message):
    """One record in the form of certbot's debug log."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
    with open(argument("--logs-dir") / "letsencrypt.log", "a") as file:
        file.write(f"{now}:{message}\n")


def leave(name, text=""):
    (HERE / name).write_text(text)


def hang():
    """Heeds no TERM."""
    signal.signal(signal.SIGTERM, lambda *unused: leave("terminated"))
    log("DEBUG:certbot._internal.main:certbot version: 2.1.0")
    leave("ready")
    while True:
        time.sleep(60)


def crash():
    print("so far, so good", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)


def flood():
    """300 MB on both streams and in the log: short lines, and one that does not end."""
    line = b"x" * 99 + b"\n"
    for number in range(200):
        os.write(1 + number % 2, line * 10_000)
    for number in range(100):
        os.write(1, b"y" * 1_000_000)
    for number in range(50):
        log("DEBUG:acme.client:" + "z" * 1_000_000)
    sys.exit("flooded")


def nothing():
    """Success, it says."""
    print("Successfully received certificate.")


def daemon():
    """Leaves somebody behind who left the session and keeps both streams open."""
    if os.fork() == 0:
        os.setsid()
        leave("daemon", str(os.getpid()))
        time.sleep(300)
        os._exit(0)
    while not (HERE / "daemon").exists():
        time.sleep(0.01)
    sys.exit("left one behind")


def past_cleanup():
    """Has cleaned up and so holds a certificate, in effect: a TERM now would lose it."""
    signal.signal(signal.SIGTERM, lambda *unused: leave("terminated"))
    log("INFO:certbot._internal.auth_handler:Cleaning up challenges")
    leave("ready")
    time.sleep(6)
    sys.exit("ended by itself")


FAULTS = {function.__name__: function for function in (hang, crash, flood, nothing, daemon, past_cleanup)}

if "certonly" in sys.argv:
    FAULTS[(HERE / "fault").read_text().strip()]()
else:
    os.execv("/usr/bin/certbot", ["/usr/bin/certbot", *sys.argv[1:]])
