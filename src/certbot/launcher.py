"""Runs certbot with one difference: its wait for DNS propagation ends early when told so.

    PYTHON [FLAGS] launcher.py CERTBOT ARGUMENTS...

The environment variable CERTHERD_END_WAIT names a FIFO. Whatever is written to it ends the wait; the announced number
of seconds stays the longest that it takes. It is certbot.plugins.dns_common.sleep that is replaced, which every plugin
built on DNSAuthenticator calls (certbot 2.0 to 5.6). Where that is not there, certbot runs as it is.

warm_host.py takes end_wait_when_told() and find_modules_as() from here.
"""

import os
import sys


def replace_sleep(fifo):
    import select
    import stat
    import time

    # Without a writer such a FIFO is silent, and there is always a reader for certherd to find.
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        raise OSError("no FIFO")

    def wait(seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([descriptor], [], [], left)[0]:
                return

    import certbot.plugins.dns_common as dns_common

    if not callable(dns_common.sleep):
        raise AttributeError("sleep")
    dns_common.sleep = wait


def end_wait_when_told():
    fifo = os.environ.pop("CERTHERD_END_WAIT", None)
    if not fifo:
        return
    try:
        replace_sleep(fifo)
    except Exception:  # whatever is not as expected: certbot as it is
        pass


def find_modules_as(script):
    """What Python itself would have put there for the script; where its flags say that nothing is, nothing is."""
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = os.path.dirname(os.path.realpath(script))


def main():
    del sys.argv[0]
    find_modules_as(sys.argv[0])
    end_wait_when_told()
    import runpy

    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
