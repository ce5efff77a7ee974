"""Imports certbot and its plugins once, and forks a certbot from that for each request.

    PYTHON [FLAGS] warm_host.py CERTBOT ROOM

CERTBOT is certbot's own script, ROOM an argument of any content whose length a child's arguments may have: each child
writes its own there, so that ps and certherd's search for what an earlier life left see certbot. Standard input is a
socket (SOCK_SEQPACKET) to certherd; its end is the end of this process. Children go on: they need nobody here.

Messages are JSON. First comes {"ready": {"version", "plugins", "rss_kib"}} or {"refused": WHY}. Then, one at a time:

  {"fork": true} + [socket of the request, output]  ->  {"forked": PID} + [pidfd], or {"stale": WHY}: a new host is due
  {"reap": PID}, once the child has ended           ->  {"ended": STATUS, "user_ms", "system_ms", "max_rss_kib"}

The request itself goes to the child alone, which reads it to its end: NUL-terminated words, the count of the arguments,
the arguments, the count of the variables, each "NAME=VALUE", the working directory, "end". A child that does not get
all of it ends without having done anything. So credentials in the environment never pass through this process.

A child is what an execution of CERTBOT would be: process group, signals, umask, descriptors, environment, sys.argv, and
the state that certbot keeps by process (tested with 2.1.0 and 4.0.0: util._INITIAL_PID; main() fetches the plugins
once). Every attribute that this takes is looked for first. Whatever is missing or not as expected is a refusal, which
costs certherd nothing but the time: it then executes certbot.
"""

import atexit
import gc
import importlib.util
import json
import os
import re
import signal
import socket
import sys
import tempfile
import threading
import time

MAX_FORKS = 1000
LOOK_EACH = 0.5  # seconds, at most, for changed files: what is imported already is not in danger
MAX_GROWTH_KIB = 32 * 1024
PR_SET_NAME = 15
# What an entry point of console_scripts looks like, as setuptools, pip and Debian write it.
ENTRY_POINTS = (r"^from certbot\.main import main$", r"load_entry_point\('certbot(==[^']*)?', 'console_scripts', 'certbot'\)")
SIGNALS_OF_PYTHON = {signal.SIGINT: signal.default_int_handler, signal.SIGPIPE: signal.SIG_IGN,
                     signal.SIGXFSZ: signal.SIG_IGN}


class Refused(Exception):
    pass


def load_launcher():
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)), "launcher.py")
    status = os.stat(path)
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:  # as certherd has looked at this file
        raise Refused(f"others may write {path}")
    spec = importlib.util.spec_from_file_location("certherd_launcher", path)
    module = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    spec.loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


class Title:
    """The memory that /proc/PID/cmdline shows."""

    def __init__(self):
        import ctypes

        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        self.start, self.end = int(fields[45]), int(fields[46])  # arg_start, arg_end (proc(5))
        if not 0 < self.start < self.end:
            raise Refused("/proc does not show where this process has its arguments")
        self.memmove, self.libc = ctypes.memmove, ctypes.CDLL(None)

    def set(self, name, words):
        room = self.end - self.start
        text = b"".join(os.fsencode(word) + b"\0" for word in words)
        self.memmove(self.start, text[: room - 1].ljust(room, b"\0"), room)
        self.libc.prctl(PR_SET_NAME, os.fsencode(name)[:15] + b"\0", 0, 0, 0)


def rss_kib():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def fingerprint(path):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def watched_files(script, registry):
    """What a package upgrade would change: certbot's and the plugins' files, the directories of all that is loaded."""
    own = {"certbot", "acme", "josepy"}
    own.update(registry[name].plugin_cls.__module__.partition(".")[0] for name in registry)
    paths = {script, os.path.realpath(sys.executable)}
    paths.update(path for path in sys.path if os.path.isdir(path))
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if not path or not os.path.isabs(path):
            continue
        paths.add(os.path.dirname(path))
        if name.partition(".")[0] in own:
            paths.add(path)
    return sorted(paths)


def check_entry_point(script):
    with open(script, encoding="utf-8", errors="replace") as file:
        text = file.read(64 * 1024)
    if not any(re.search(pattern, text, re.MULTILINE) for pattern in ENTRY_POINTS):
        raise Refused(f"{script} is not the entry point that certbot is installed with")


def check_loaded():
    """Nothing may live in this process that a fork would tear apart."""
    tasks = len(os.listdir("/proc/self/task"))
    if tasks > 1 or threading.active_count() > 1:
        raise Refused("a plugin has started a thread while it was imported")
    for module in ("grpc", "gevent", "eventlet"):
        if module in sys.modules:
            raise Refused(f"a plugin has loaded the Python module {module}, which does not bear a fork")
    changed = [signal.Signals(number).name for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD)
               if signal.getsignal(number) != SIGNALS_OF_PYTHON.get(number, signal.SIG_DFL)]
    if changed:
        raise Refused("a plugin handles signals: " + ", ".join(changed))


def rehearse():
    """Uses once what every certbot uses, on throw-away values: libraries prepare themselves at their first use, and each
    child would do so again. Asks nobody for anything. A tenth of a child's CPU time."""
    import ssl

    import acme.client
    import acme.crypto_util
    import acme.messages
    import josepy
    import requests
    from certbot import crypto_util
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = josepy.JWK.json_loads(josepy.JWKRSA(key=rsa.generate_private_key(65537, 1024)).json_dumps())
    network = acme.client.ClientNetwork(key, user_agent="certherd")
    network._wrap_in_jws(acme.messages.UpdateRegistration(), b"nonce", "https://localhost/")
    pem = crypto_util.make_key(2048, elliptic_curve="secp256r1", key_type="ecdsa")
    crypto_util.valid_csr(acme.crypto_util.make_csr(pem, ["localhost"], False))
    requests.Session().close()
    ssl.create_default_context()


class Certbot:
    """What is imported once."""

    def __init__(self, script):
        self.script = script
        check_entry_point(script)
        self.util = importlib.import_module("certbot.util")
        self.main = importlib.import_module("certbot.main").main
        self.disco = importlib.import_module("certbot._internal.plugins.disco").PluginsRegistry
        self.constants = importlib.import_module("certbot._internal.constants")
        for owner, name in ((self.util, "_INITIAL_PID"), (self.disco, "find_all")):
            if not hasattr(owner, name):
                raise Refused(f"this certbot has no {owner.__name__}.{name}")
        for owner, name in ((threading, "_shutdown"), (atexit, "_run_exitfuncs"), (os, "pidfd_open")):
            if not hasattr(owner, name):
                raise Refused(f"this Python has no {owner.__name__}.{name}")
        self.registry = self.disco.find_all()
        try:
            rehearse()
        except Exception:  # it is for speed alone
            pass
        self.files_by_home = list(self.constants.CLI_DEFAULTS.get("config_files", []))
        self.home = os.environ.get("XDG_CONFIG_HOME", "~/.config")

    def settle(self):
        """In the child: the state that certbot makes at its import for the process that imports it."""
        self.util._INITIAL_PID = os.getpid()
        self.disco.find_all = classmethod(lambda cls: self.registry)
        home = os.environ.get("XDG_CONFIG_HOME", "~/.config")
        self.constants.CLI_DEFAULTS["config_files"] = [path.replace(self.home, home) for path in self.files_by_home]


class Request:
    """What a child is to be, from the socket of its request."""

    def __init__(self, descriptor):
        with socket.socket(fileno=descriptor) as source:
            data = b"".join(iter(lambda: source.recv(65536), b""))
        words = iter(data.split(b"\0")[:-1])
        self.arguments = [os.fsdecode(next(words)) for _ in range(int(next(words)))]
        variables = [os.fsdecode(next(words)) for _ in range(int(next(words)))]
        self.environment = dict(variable.partition("=")[::2] for variable in variables)
        self.directory = os.fsdecode(next(words))
        if next(words) != b"end":
            raise ValueError("not a request")


class Child:
    """This process from the fork to its end as a certbot."""

    def __init__(self, host, request, output):
        self.host, self.descriptor, self.output = host, request, output
        self.interrupted = False

    def become_certbot(self):
        os.setpgid(0, 0)
        os.dup2(self.output, 1)
        os.dup2(self.output, 2)
        request = Request(self.descriptor)  # from here on certherd knows of this process
        os.closerange(3, 1 + max(map(int, os.listdir("/proc/self/fd"))))
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            try:
                signal.signal(number, SIGNALS_OF_PYTHON.get(number, signal.SIG_DFL))
            except (OSError, ValueError):  # those that the C library keeps
                pass
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.umask(self.host.umask)
        os.chdir(request.directory)
        os.environ.clear()
        os.environ.update(request.environment)
        time.tzset()
        tempfile.tempdir = None
        sys.argv = [self.host.certbot.script, *request.arguments]
        self.host.title.set("certbot", [sys.executable, *sys.argv])
        self.host.certbot.settle()
        self.host.launcher.do_as_told()
        gc.enable()

    def run(self):
        try:
            self.become_certbot()
        except BaseException:
            os._exit(126)
        self.end(self.exit_status(self.main))

    def main(self):
        """As the entry point calls it, and as Python ends a program."""
        try:
            sys.exit(self.host.certbot.main())
        except SystemExit:
            raise
        except BaseException:
            original = sys.exc_info()
        try:
            sys.excepthook(*original)
        except SystemExit:
            raise
        except BaseException:
            print("Error in sys.excepthook:", file=sys.stderr)
            sys.__excepthook__(*sys.exc_info())
            print("\nOriginal exception was:", file=sys.stderr)
            sys.__excepthook__(*original)
        self.interrupted = issubclass(original[0], KeyboardInterrupt)
        sys.exit(1)

    def exit_status(self, function):
        try:
            function()
        except SystemExit as end:
            if end.code is None:
                return 0
            if isinstance(end.code, int):
                return end.code & 0xFF
            print(end.code, file=sys.stderr)
            return 1
        return 0

    def end(self, status):
        # What Python does at its end, without the taking apart of what is shared with the host.
        for step in (threading._shutdown, atexit._run_exitfuncs):
            try:
                step()
            except BaseException:
                sys.__excepthook__(*sys.exc_info())
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        if self.interrupted:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(status)


class Host:
    def __init__(self, control):
        self.control = control
        self.umask = os.umask(0o077)
        os.umask(self.umask)
        self.launcher = load_launcher()
        self.title = Title()
        self.forks = 0
        self.looked = 0.0

    def load(self, script):
        self.title.set("certbot host", [f"certherd: {script}, imported once"])
        self.certbot = Certbot(script)
        check_loaded()
        self.watched = [(path, fingerprint(path)) for path in watched_files(script, self.certbot.registry)]
        gc.freeze()  # without a collection before: its holes would be written to by every child
        self.first_rss = rss_kib()
        return {"version": sys.modules["certbot"].__version__, "plugins": len(self.certbot.registry), "rss_kib": self.first_rss}

    def say(self, message, descriptors=()):
        socket.send_fds(self.control, [json.dumps(message).encode()], list(descriptors))

    def staleness(self):
        if self.forks >= MAX_FORKS:
            return f"it has forked {self.forks} times"
        if (grown := rss_kib() - self.first_rss) > MAX_GROWTH_KIB:
            return f"it has grown by {grown // 1024} MiB"
        if time.monotonic() - self.looked < LOOK_EACH:
            return None
        self.looked = time.monotonic()
        changed = (path for path, known in self.watched if fingerprint(path) != known)
        path = next(changed, None)
        return f"{path} has changed" if path else None

    def fork(self, descriptors):
        """In a child that child, else None."""
        pid = None
        try:
            why = self.staleness() if len(descriptors) == 2 else "it has no descriptors left"
            if why:
                return self.say({"stale": why})
            pid = os.fork()
            if pid == 0:
                return Child(self, *descriptors)
            pidfd = os.pidfd_open(pid)
        except OSError as error:  # the children that there are go on
            if pid:
                os.kill(pid, signal.SIGKILL)
                os.wait4(pid, 0)
            return self.say({"stale": f"it cannot fork: {error.strerror}"})
        self.forks += 1
        try:
            os.setpgid(pid, pid)  # whoever is first: before certherd hears of it, it is done
        except OSError:
            pass
        self.say({"forked": pid}, [pidfd])
        os.close(pidfd)
        return None

    def reap(self, pid):
        _, status, usage = os.wait4(pid, 0)
        self.say({"ended": status, "user_ms": int(usage.ru_utime * 1000), "system_ms": int(usage.ru_stime * 1000),
                  "max_rss_kib": usage.ru_maxrss})

    def serve(self):
        """Until certherd closes the socket; in a child it returns at once, with the child."""
        while True:
            data, descriptors, _, _ = socket.recv_fds(self.control, 4096, 2)
            if not data:
                return None
            message = json.loads(data)
            if "fork" in message:
                child = self.fork(descriptors)
                if child:
                    return child
            else:
                self.reap(message["reap"])
            for descriptor in descriptors:
                os.close(descriptor)


def reason_of(error):
    if isinstance(error, Refused):
        return str(error)
    return f"certbot and its plugins cannot be imported: {type(error).__name__}: {error}"


def main():
    script = sys.argv[1]
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    gc.disable()
    try:
        host = Host(control)
        host.launcher.find_modules_as(script)
        sys.argv = [script]
        ready = host.load(script)
    except BaseException as error:
        control.send(json.dumps({"refused": reason_of(error)[:2000]}).encode())
        return
    host.say({"ready": ready})
    child = host.serve()
    if child:
        child.run()


main()
