"""What the tests of the warm engine share: warm_host.py spoken to without certherd, and a declared stand-in for
certbot's packages that does what a test says, for what the real one cannot be made to show."""

import json
import os
import pathlib
import select
import signal
import socket
import subprocess

from e2e.harness import CERTHERD

HOST_PROGRAM = pathlib.Path(CERTHERD).parents[1] / "libexec/certherd/warm_host.py"
PYTHON = "/usr/bin/python3"
ENTRY_POINT = f"#!{PYTHON}\nimport sys\nfrom certbot.main import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
PACKAGES = {
    "certbot/__init__.py": "__version__ = '2.1.0'\n",
    "certbot/util.py": "import os\n_INITIAL_PID = os.getpid()\n",
    "certbot/main.py": ("import os\ndef main():\n"
                        "    path = os.path.join(os.path.dirname(__file__), '..', 'behave.py')\n"
                        "    with open(path) as file:\n"
                        "        scope = {'__name__': 'behave'}\n"
                        "        exec(compile(file.read(), 'behave.py', 'exec'), scope)\n"
                        "    return scope['main']()\n"),
    "certbot/_internal/__init__.py": "",
    "certbot/_internal/constants.py": ("import os\nCLI_DEFAULTS = {'config_files': ['/etc/letsencrypt/cli.ini', "
                                       "os.path.join(os.environ.get('XDG_CONFIG_HOME', '~/.config'), 'cli.ini')]}\n"),
    "certbot/_internal/plugins/__init__.py": "",
    "certbot/_internal/plugins/disco.py": ("import types\nimport stand_in_plugin\nclass PluginsRegistry(dict):\n"
                                           "    @classmethod\n    def find_all(cls):\n"
                                           "        return cls(x=types.SimpleNamespace(plugin_cls=stand_in_plugin.Plugin))\n"),
    "certbot/plugins/__init__.py": "",
    "certbot/plugins/dns_common.py": "from time import sleep\n",
    "stand_in_plugin.py": "class Plugin: pass\n",
}


class StandIn:
    """certbot's entry point and packages of its name beside it, in a directory. `behave` is what its main() does."""

    def __init__(self, directory):
        self.directory = directory
        for name, text in PACKAGES.items():
            self.write(name, text)
        self.script = self.write("certbot-script", ENTRY_POINT)
        self.script.chmod(0o755)

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def behave(self, body):
        self.write("behave.py", body)


class HostProcess:
    """One warm_host.py, as certherd starts and asks it."""

    def __init__(self, script, program=HOST_PROGRAM):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control = ours
        self.process = subprocess.Popen([PYTHON, program, script, "." * 32768], stdin=theirs,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                                        env={"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8"})
        theirs.close()
        ours.settimeout(60)
        self.hello = self.receive()[0]

    def receive(self):
        data, descriptors, _, _ = socket.recv_fds(self.control, 16384, 1)
        return (json.loads(data) if data else None), descriptors

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.control.close()
        self.process.wait(60)

    def fork(self):
        """The host's answer, and the child if there is one."""
        output, printed = os.pipe()
        request, requested = socket.socketpair()
        socket.send_fds(self.control, [b'{"fork": true}'], [requested.fileno(), printed])
        os.close(printed)
        requested.close()
        answer, descriptors = self.receive()
        if not answer or "forked" not in answer:
            os.close(output)
            request.close()
            return answer, None
        return answer, Child(self, answer["forked"], descriptors[0], request, output)

    def run(self, *arguments, environment=(), directory="/"):
        """A child from its fork to its reaping."""
        _, child = self.fork()
        child.ask(*arguments, environment=environment, directory=directory)
        return child.end()

    def rss_kib(self):
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1024


class Child:
    def __init__(self, host, pid, pidfd, request, output):
        self.host, self.pid, self.pidfd, self.request, self.output = host, pid, pidfd, request, output

    def ask(self, *arguments, environment=(), directory="/"):
        variables = {"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8", **dict(environment)}
        words = [str(len(arguments)), *map(str, arguments), str(len(variables)),
                 *(f"{name}={value}" for name, value in variables.items()), str(directory), "end"]
        self.request.sendall(b"".join(os.fsencode(word) + b"\0" for word in words))
        self.request.close()

    def end(self):
        """How it ended, and what it printed."""
        printed = b"".join(iter(lambda: os.read(self.output, 65536), b"")).decode()
        select.select([self.pidfd], [], [], 60)
        self.host.control.send(json.dumps({"reap": self.pid}).encode())
        ended, _ = self.host.receive()
        os.close(self.output)
        os.close(self.pidfd)
        return os.waitstatus_to_exitcode(ended["ended"]), printed, ended
