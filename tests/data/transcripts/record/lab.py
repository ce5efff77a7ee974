"""One case's world: BIND, pebble, the ACME proxy and fake provider APIs, on the loopback of a private network namespace.

Everything certbot sees lies below `root` ("" or the folder certbot is chrooted into) at the paths certherd uses.
"""

import fcntl
import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
STATE = "/var/lib/certherd"
RUNTIME = "/run/certherd"
DIRECTORY = "https://localhost:14000/dir"
BUNDLE = f"{RUNTIME}/lab-ca.pem"
SECRET = "bGFiLXNlY3JldC1sYWItc2VjcmV0LWxhYi1zZWNyZXQtbGFiLXM="
WRONG_SECRET = "d3Jvbmctc2VjcmV0LXdyb25nLXNlY3JldC13cm9uZy1zZWNyZXQ="
# certbot's authorization tokens never reach these servers: what they answer is fixed.
LIVE, STALE, WRONG, BROKEN, SILENT, CLOSED = (f"127.0.0.{n}" for n in (1, 2, 3, 4, 9, 10))

NAMED_CONF = """
options {{ directory "{dir}"; listen-on {{ 127.0.0.1; 127.0.0.2; 127.0.0.3; 127.0.0.4; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; pid-file none; session-keyfile none; notify no; }};
controls {{ }};
key certherd {{ algorithm hmac-sha512; secret "{secret}"; }};
key stranger {{ algorithm hmac-sha512; secret "{secret}"; }};
key elsewhere {{ algorithm hmac-sha512; secret "{secret}"; }};
view elsewhere {{ match-clients {{ key elsewhere; }}; }};
view stale {{ match-destinations {{ 127.0.0.2; }}; zone example.test {{ type primary; file "stale"; }}; }};
view wrong {{ match-destinations {{ 127.0.0.3; }}; zone example.test {{ type primary; file "wrong"; }}; }};
view broken {{ match-destinations {{ 127.0.0.4; }}; zone example.test {{ type primary; file "nothing"; }}; }};
view live {{ match-clients {{ any; }};
  zone example.test {{ type primary; file "live"; update-policy {{ grant certherd zonesub TXT; }}; }};
  zone invalid {{ type primary; file "empty"; }}; }};
"""
ZONE = "$TTL 60\n@ SOA ns.example.test. hostmaster.example.test. 1 60 60 3600 1\n@ NS ns.example.test.\n"


class Lab:
    def __init__(self, certbot):
        prefix = certbot[:-1]
        self.certbot = certbot
        self.root = prefix[1] if prefix[:1] == ["chroot"] else ""
        self.children, self.held, self.rules, self.env = [], [], [], {}
        self.home = pathlib.Path("/run/lab")
        self._mounts()
        self._certificates()
        self._bind()

    # ---- files

    def at(self, path):
        """Where the recorder finds what certbot calls `path`."""
        return pathlib.Path(self.root + str(path))

    def write(self, path, text, mode=0o600):
        file = self.at(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return str(path)

    def _mounts(self):
        def sh(*command):
            subprocess.run(command, check=True)
        sh("hostname", "lab")  # certbot puts it into an account's file and shows it
        sh("ip", "link", "set", "lo", "up")
        for address in (STALE, WRONG, BROKEN, SILENT):
            sh("ip", "address", "add", f"{address}/8", "dev", "lo")  # named only listens on addresses it sees
        for top in {"", self.root}:
            for folder in ("/var/lib", "/run", "/tmp"):
                sh("mount", "-t", "tmpfs", "-o", "mode=755", "lab", top + folder)
        self.home.mkdir()
        (self.home / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        (self.home / "hosts").write_text("127.0.0.1 localhost api.cloudflare.com route53.amazonaws.com\n")
        for name in ("resolv.conf", "hosts"):
            target = self.at(f"/etc/{name}")
            if not target.exists():
                target.touch()
            sh("mount", "--bind", str(self.home / name), os.path.realpath(target))
        if self.root:
            sh("mount", "--bind", "/dev", self.root + "/dev")
            sh("mount", "-t", "proc", "proc", self.root + "/proc")
        for path in (STATE, RUNTIME, f"{RUNTIME}/credentials"):
            self.at(path).mkdir(mode=0o700, parents=True, exist_ok=True)

    def mount_config(self, name, *options):
        """Gives one config directory a file system of its own."""
        folder = self.at(self.dirs(name)["config"])
        subprocess.run(["mount", "-t", "tmpfs", *options, "lab", str(folder)], check=True)
        (folder / "accounts").symlink_to(f"{STATE}/accounts/lab")
        return folder

    # ---- servers

    def spawn(self, *command, **env):
        out = open(self.home / f"{os.path.basename(command[0])}.log", "ab")
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                 env={"PATH": PATH, "TZ": "UTC", **env})
        self.children.append(child)

    def wait_for(self, address, port):
        for _ in range(200):
            try:
                socket.create_connection((address, port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"nothing listens on {address}:{port}")

    def _certificates(self):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], check=True, cwd=self.home, capture_output=True)
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650")
        for ca in ("ca", "other"):
            openssl("req", "-x509", *key, "-keyout", f"{ca}.key", "-out", f"{ca}.pem", "-subj", f"/CN=certherd lab {ca}",
                    "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign")
        openssl("req", "-x509", *key, "-keyout", "tls.key", "-out", "tls.pem", "-subj", "/CN=localhost", "-CA", "ca.pem",
                "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
                "subjectAltName=DNS:localhost,DNS:api.cloudflare.com,DNS:route53.amazonaws.com")
        self.write(BUNDLE, (self.home / "ca.pem").read_text(), 0o644)

    def _bind(self):
        folder = self.home / "bind"
        folder.mkdir()
        live = ZONE + "ns A 127.0.0.1\n"
        (folder / "live").write_text(live)
        (folder / "stale").write_text(live + "_acme-challenge HINFO lab lab\n")
        (folder / "wrong").write_text(live + '_acme-challenge TXT "left-behind-by-an-older-run"\n')
        (folder / "empty").write_text(ZONE)
        (folder / "named.conf").write_text(NAMED_CONF.format(dir=folder, secret=SECRET))
        self.spawn("named", "-g", "-c", str(folder / "named.conf"))
        self.wait_for(LIVE, 53)

    def silent(self, port, address=SILENT):
        """A server that takes connections and datagrams and never answers."""
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            s = socket.socket(socket.AF_INET, kind)
            s.bind((address, port))
            if kind == socket.SOCK_STREAM:
                s.listen(64)
            self.held.append(s)

    def pebble(self, resolver=LIVE, eab=False, **env):
        """pebble at DIRECTORY, or behind the proxy when there are rules."""
        port = 14001 if self.rules else 14000
        config = {"listenAddress": f"127.0.0.1:{port}", "managementListenAddress": "127.0.0.1:15000",
                  "certificate": str(self.home / "tls.pem"), "privateKey": str(self.home / "tls.key"), "httpPort": 5002,
                  "tlsPort": 5001, "ocspResponderURL": "", "externalAccountBindingRequired": eab,
                  "externalAccountMACKeys": {"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"}}
        (self.home / "pebble.json").write_text(json.dumps({"pebble": config}))
        env = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_WFE_NONCEREJECT": "0", **env}
        self.spawn("pebble", "-config", str(self.home / "pebble.json"), "-dnsserver", f"{resolver}:53",
                   **{k: v for k, v in env.items() if v is not None})
        self.wait_for("127.0.0.1", port)
        if self.rules:
            self.https("127.0.0.1", 14000, proxy_handler(self.rules))

    def https(self, address, port, handler):
        server = http.server.ThreadingHTTPServer((address, port), handler)
        server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.home / "tls.pem", self.home / "tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    # ---- certbot

    def dirs(self, name):
        return {kind: f"{STATE}/certbot/{name}/{kind}" for kind in ("config", "work", "logs")}

    def make_dirs(self, name, account=True):
        for folder in self.dirs(name).values():
            self.at(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        link = self.at(self.dirs(name)["config"]) / "accounts"
        if account and not link.is_symlink():
            link.symlink_to(f"{STATE}/accounts/lab")

    def dir_options(self, name):
        return [text for kind, folder in self.dirs(name).items() for text in (f"--{kind}-dir", folder)]

    def register_argv(self, server=DIRECTORY, name="register"):
        self.at(f"{STATE}/accounts/lab").mkdir(mode=0o700, parents=True, exist_ok=True)
        self.make_dirs(name)
        return ["register", "--non-interactive", "-v", "--agree-tos", "--email", "hostmaster@example.test",
                *self.dir_options(name), "--max-log-backups", "0", "--no-directory-hooks", "--server", server]

    def register(self, server=DIRECTORY):
        self.quiet(self.register_argv(server))

    def credentials(self, server=LIVE, key="certherd", secret=SECRET, text=None, mode=0o600):
        if text is None:
            text = (f"dns_rfc2136_server = {server}\ndns_rfc2136_name = {key}\ndns_rfc2136_secret = {secret}\n"
                    "dns_rfc2136_algorithm = HMAC-SHA512\n")
        return self.write(f"{RUNTIME}/credentials/example.test.ini", text, mode)

    def certonly(self, *domains, name="example.test", seconds=0, server=DIRECTORY, credentials=None, plugin="dns-rfc2136",
                 options=None, extra=()):
        """certbot's arguments exactly as certherd gives them."""
        self.make_dirs(name)
        if options is None:
            options = [f"--{plugin}-credentials", credentials or self.credentials(),
                       f"--{plugin}-propagation-seconds", str(seconds)]
        return ["certonly", "--non-interactive", "-v", "--cert-name", name, "--agree-tos", *self.dir_options(name),
                "--max-log-backups", "0", "--no-directory-hooks", "--authenticator", plugin, *options,
                "--key-type", "ecdsa", "--server", server, *extra,
                *[text for domain in domains or [name] for text in ("-d", domain)]]

    def environment(self):
        return {"PATH": PATH, "HOME": "/root", "TZ": "UTC", "LC_ALL": "C.UTF-8", "REQUESTS_CA_BUNDLE": BUNDLE, **self.env}

    def quiet(self, argv):
        """A run that only prepares: its logs are removed afterwards."""
        done = subprocess.run([*self.certbot, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=self.environment(), text=True)
        if done.returncode != 0:
            raise RuntimeError(f"preparing: certbot exits {done.returncode}\n{done.stdout}")
        shutil.rmtree(self.at(argv[argv.index("--logs-dir") + 1]))

    def hold_lock(self, folder):
        path = self.at(folder) / ".certbot.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "w")
        fcntl.lockf(file, fcntl.LOCK_EX)
        self.held.append(file)

    def record(self, argv, react=None):
        """Runs certbot once. `react` = (text, seconds, signal): that signal, so long after that text."""
        read, write = os.pipe()
        spawned = time.time()
        child = subprocess.Popen([*self.certbot, *argv], stdin=subprocess.DEVNULL, stdout=write, stderr=write,
                                 env=self.environment(), process_group=0, preexec_fn=default_signals)
        os.close(write)
        output = bytearray()

        def drain():
            armed = react
            while chunk := os.read(read, 65536):
                output.extend(chunk)
                if armed and armed[0].encode() in output:
                    threading.Timer(armed[1], os.killpg, (child.pid, armed[2])).start()
                    armed = None
        if react and not react[0]:
            threading.Timer(react[1], os.killpg, (child.pid, react[2])).start()
        reader = threading.Thread(target=drain)
        reader.start()
        code = child.wait()
        exited = time.time()
        reader.join()
        ending = {"signal": -code} if code < 0 else {"exit_code": code}
        facts = {"argv": ["certbot", *argv], **ending, "spawned_at": round(spawned * 1000), "exited_at": round(exited * 1000)}
        logs = {}
        if "--logs-dir" in argv:
            file = self.at(argv[argv.index("--logs-dir") + 1]) / "letsencrypt.log"
            if file.exists():
                logs["letsencrypt.log"] = file.read_text()
        for file in sorted(self.at("/tmp").glob("certbot-log-*/log")):
            logs["temporary.log"] = file.read_text()
        return facts, output.decode(), logs

    def stop(self):
        for child in self.children:
            child.kill()


def default_signals():
    """The recorder may run in the background or under nohup: what it ignores certbot would ignore too."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def problem(kind, detail, status, **more):
    return {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, "status": status, **more}


class Rule:
    """Changes pebble's answer to a POST below `prefix`: whole (`body`) or its JSON (`edit`), at the counted `times`."""

    def __init__(self, prefix, times=None, status=None, body=None, headers=None, edit=None, content_type=None):
        self.prefix, self.times, self.status, self.body = prefix, times, status, body
        self.headers, self.edit, self.content_type, self.seen = headers or {}, edit, content_type, 0

    def matches(self, path):
        if not path.startswith(self.prefix):
            return False
        self.seen += 1
        return self.times is None or self.seen in self.times


def proxy_handler(rules):
    """Stands between certbot and pebble. The Host header is kept, so pebble's URLs and its check of the JWS stay right."""
    insecure = ssl._create_unverified_context()
    lock = threading.Lock()

    def upstream(method, path, body, headers):
        connection = http.client.HTTPSConnection("127.0.0.1", 14001, context=insecure)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                rule = next((r for r in rules if self.command == "POST" and r.matches(self.path)), None)
            if rule and rule.body is not None:
                nonce = dict(upstream("HEAD", "/nonce-plz", None, {"Host": self.headers["Host"]})[1])["Replay-Nonce"]
                kind = rule.content_type or "application/problem+json"
                data = rule.body.encode() if isinstance(rule.body, str) else json.dumps(rule.body, indent=2).encode()
                status, headers = rule.status, [("Content-Type", kind), ("Replay-Nonce", nonce)]
            else:
                status, headers, data = upstream(self.command, self.path, body or None, dict(self.headers.items()))
                if rule and rule.edit and data:
                    changed = rule.edit(json.loads(data))
                    data = json.dumps(changed, indent=3).encode()
            drop = {"content-length", "connection", "transfer-encoding", "date"}
            if rule:
                drop |= {name.lower() for name in rule.headers}
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in drop:
                    self.send_header(name, value)
            for name, value in (rule.headers if rule else {}).items():
                self.send_header(name, value)
            self.send_header("Date", self.date_time_string())
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_HEAD = do_POST = handle_any

        def log_message(self, *_):
            pass

    return Handler


def api_handler(answer):
    """A provider's API: `answer(method, path) -> (status, content type, text)`."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, kind, text = answer(self.command, self.path)
            self.send_response_only(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_DELETE = handle_any

        def log_message(self, *_):
            pass

    return Handler
