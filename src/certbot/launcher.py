"""Runs certbot with two differences: its wait for DNS propagation ends early when told so, and trust anchors are looked
up instead of loaded.

    PYTHON [FLAGS] launcher.py CERTBOT ARGUMENTS...

The environment variable CERTHERD_END_WAIT names a FIFO. Whatever is written to it ends the wait; the announced number
of seconds stays the longest that it takes. It is certbot.plugins.dns_common.sleep that is replaced, which every plugin
built on DNSAuthenticator calls (certbot 2.0 to 5.6). Where that is not there, certbot runs as it is.

The environment variable CERTHERD_ANCHORS tells of bundles of trust anchors and directories with the same (a JSON object).
Each TLS connection of certbot and its plugins loads a bundle: with the public ones of a system some 140 certificates are
parsed to use one. It is ssl.SSLContext.load_verify_locations that gives the directory in place of the bundle.

warm_host.py takes do_as_told() and find_modules_as() from here.
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


def look_up_anchors(directories):
    import json
    import ssl

    directories = dict(json.loads(directories))
    load = ssl.SSLContext.load_verify_locations

    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        directory = directories.get(cafile) if isinstance(cafile, str) else None
        if directory is None:
            return load(self, cafile, capath, cadata)
        load(self, None, directory)
        if capath is not None or cadata is not None:
            load(self, None, capath, cadata)

    ssl.SSLContext.load_verify_locations = load_verify_locations


def do_as_told():
    for name, function in (("CERTHERD_END_WAIT", replace_sleep), ("CERTHERD_ANCHORS", look_up_anchors)):
        told = os.environ.pop(name, None)
        try:
            if told:
                function(told)
        except Exception:  # whatever is not as expected: certbot as it is
            pass


def find_modules_as(script):
    """What Python itself would have put there for the script; where its flags say that nothing is, nothing is."""
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = os.path.dirname(os.path.realpath(script))


def main():
    del sys.argv[0]
    find_modules_as(sys.argv[0])
    do_as_told()
    import runpy

    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
