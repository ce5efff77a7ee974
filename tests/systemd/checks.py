"""What the unit promises, step by step, on one machine: each check goes on from what the one before left."""

import json
import re
import time

from machine import Failed

CONFIG = "/etc/certherd/certherd.yaml"
LAB = "/var/lib/lab"
EXAMPLES = "/usr/share/doc/certherd/examples"
STORE = "/var/lib/certherd-store"
DROP_IN = "/etc/systemd/system/certherd.service.d/test.conf"
ONCE = "/etc/systemd/system/certherd-once.service"
LOG = "/var/log/certherd/certherd.log"


def expect(condition, told):
    if not condition:
        raise Failed(told)


class World:
    def __init__(self, machine):
        self.machine = machine
        self.certificates = []
        self.lab = {}
        self.drop_in = {}

    def checks(self):
        return [
            ("prepare: sysusers and tmpfiles", self.prepare_users),
            ("prepare: the Lab", self.prepare_lab),
            ("certbot works in the sandbox: issue without the service", self.sandboxed_issue),
            ("start to READY", self.start),
            ("the sandbox is on for the running process", self.confined),
            ("the service issues by itself", self.issued),
            ("a key for a group, in a store that others reach", self.group_key),
            ("the status line and systemctl status", self.status),
            ("LoadCredential", self.load_credential),
            ("reload: a new certificate without a restart", self.reload),
            ("reload: an invalid configuration leaves the old one in force", self.bad_reload),
            ("a hook reloads a unit by polkit, and no other", self.polkit_hook),
            ("a hook that needs root, by a path unit", self.path_unit),
            ("journal fields", self.journal_fields),
            ("logrotate of the service log", self.rotate),
            ("a control socket with SO_PEERCRED", self.control_socket),
            ("watchdog: a stopped process is killed and started again", self.watchdog),
            ("stop with a Run in flight: the TXT record is removed, the Run recorded", self.stop_in_flight),
            ("nothing is left after the stop", self.nothing_left),
        ]

    # --- the configuration

    def configure(self):
        settings = {
            "email": "hostmaster@example.test", "agree_tos": True, "ca": "lab", "store_dir": STORE, "log_file": LOG,
            "dns": self.lab["dns"]["certherd"], "propagation": {"end_wait": False},
            "files": {"group": "ssl-cert", "key_mode": 0o640}, "certbot": {"engine": "warm"},
            "cas": {"lab": {"server": self.lab["acme"]["directory"], "ca_bundle": "/etc/certherd/lab-ca.pem"}},
            "accounts": {
                "a": {"provider": "rfc2136", "zones": ["example.test"],
                      "credentials_file": "/etc/certherd/credentials/key-a.ini"},
                "b": {"provider": "rfc2136", "zones": ["other.test"], "credentials": self.credentials_of_b()}},
            "hooks": {
                "reload": {"command": ["/usr/bin/systemctl", "--no-ask-password", "reload", "nginx.service"]},
                "deploy": {"command": ["/usr/bin/touch", "/run/certherd/deploy"]}},
            "certificates": self.certificates}
        text = json.dumps(settings, indent=1).replace(f'"key_mode": {0o640}', '"key_mode": 0640')
        self.machine.write(CONFIG, text)

    def credentials_of_b(self):
        text = self.machine.output("cat", f"{LAB}/credentials/key-b.ini")
        values = dict(line.split(" = ", 1) for line in text.splitlines())
        values["dns_rfc2136_secret"] = {"systemd_credential": "lab-secret"}
        return values

    def want(self, *domains, propagation=1, **more):
        self.certificates.append({"domains": list(domains), "dns_provider": "rfc2136",
                                  "propagation_seconds": propagation, **more})
        self.configure()

    def change_unit(self, section="Service", **settings):
        """One drop-in with all that the checks have wished for so far."""
        self.drop_in.setdefault(section, {}).update(settings)
        text = "".join(f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
                       for name, values in self.drop_in.items())
        self.machine.write(DROP_IN, text)
        self.machine.run("systemctl", "daemon-reload")

    # --- what there is

    def certherd(self, *arguments, **options):
        return self.machine.run("certherd", "--json", *arguments, **options)

    def runs_of(self, name):
        return json.loads(self.certherd("history", name).stdout)

    def there(self, path):
        return self.machine.run("test", "-e", path, check=False).returncode == 0

    def published(self, name):
        return self.there(f"{STORE}/{name}/privkey.pem")

    def wait_published(self, name, timeout=90):
        def state():
            if self.published(name):
                return True
            active = self.machine.property("ActiveState")
            expect(active in ("active", "activating", "reloading"), f"the service is {active}")
            return False
        self.machine.wait(state, f"{name} is published", timeout)

    def txt(self, name):
        return self.machine.output("dig", "+short", "@127.0.0.1", "-p", str(self.lab["dns"]["port"]),
                                   f"_acme-challenge.{name}", "TXT")

    def main_process(self):
        return int(self.machine.property("MainPID"))

    # --- the checks

    def prepare_users(self):
        machine = self.machine
        machine.run("systemd-sysusers")
        machine.run("groupadd", "--system", "--force", "ssl-cert")
        machine.run("useradd", "--system", "--groups", "ssl-cert", "reader")
        machine.run("systemd-tmpfiles", "--create")
        for path, wanted in (("/etc/certherd/credentials", "700 certherd certherd"), (STORE, "755 certherd certherd"),
                             ("/var/lib/certherd", "700 certherd certherd")):
            found = machine.output("stat", "--format=%a %U %G", path)
            expect(found == wanted, f"{path} is {found}, not {wanted}")

    def prepare_lab(self):
        machine = self.machine
        machine.run("systemd-run", "--unit=lab", "--property=KillMode=mixed", "/usr/bin/python3", "/opt/tests/lab/lab",
                    "run", "--dir", LAB, "--", "sleep", "infinity")
        machine.wait(lambda: self.there(f"{LAB}/lab.json"),
                     "the Lab runs", 60)
        self.lab = json.loads(machine.output("cat", f"{LAB}/lab.json"))
        machine.write("/etc/certherd/lab-ca.pem", machine.output("cat", self.lab["acme"]["ca_bundle"]) + "\n")
        key = machine.output("cat", f"{LAB}/credentials/key-a.ini")
        machine.write("/etc/certherd/credentials/key-a.ini", key + "\n", mode=0o600, owner="certherd")
        secret = re.search(r"dns_rfc2136_secret = (\S+)", machine.output("cat", f"{LAB}/credentials/key-b.ini"))[1]
        machine.write("/root/lab-secret", secret + "\n", mode=0o600)
        self.change_unit(SupplementaryGroups="ssl-cert", LoadCredential="lab-secret:/root/lab-secret")
        self.want("once.example.test")

    def sandboxed_issue(self):
        """The unit's own sandbox around one `certherd issue`: only how it starts and ends is changed."""
        machine = self.machine
        unit = machine.output("cat", "/usr/lib/systemd/system/certherd.service")
        for key, value in (("Type", "oneshot"), ("ExecStart", "/usr/bin/certherd issue --all")):
            unit = re.sub(rf"^{key}=.*", f"{key}={value}", unit, flags=re.MULTILINE)
        unit = re.sub(r"^(Restart|RestartSec|WatchdogSec|NotifyAccess|ExecReload)=.*\n", "", unit, flags=re.MULTILINE)
        machine.write(ONCE, unit)
        machine.write(ONCE + ".d/test.conf", machine.output("cat", DROP_IN) + "\n")
        machine.run("systemctl", "daemon-reload")
        done = machine.run("systemctl", "start", "certherd-once.service", check=False, timeout=120)
        said = machine.run("journalctl", "--no-pager", "--output=cat", "--unit=certherd-once", check=False).stdout
        expect(done.returncode == 0, f"certherd issue failed in the sandbox:\n{said}")
        expect(self.published("once.example.test"), f"nothing was published:\n{said}")
        machine.run("rm", "-r", ONCE, ONCE + ".d")

    def start(self):
        self.want("example.test", "*.example.test")
        machine = self.machine
        machine.run("systemctl", "start", "certherd.service", timeout=90)
        active = machine.output("systemctl", "is-active", "certherd.service", check=False)
        expect(active == "active", f"it is {active}")
        expect(machine.property("User") == "certherd", "it does not run as certherd")

    def confined(self):
        process = self.main_process()
        lines = self.machine.output("cat", f"/proc/{process}/status").splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        found = {key: status[key].strip() for key in ("NoNewPrivs", "Seccomp", "CapBnd", "CapEff")}
        expect(found == {"NoNewPrivs": "1", "Seccomp": "2", "CapBnd": "0" * 16, "CapEff": "0" * 16}, f"it has {found}")

    def issued(self):
        self.wait_published("example.test")
        runs = self.machine.wait(lambda: [run for run in self.runs_of("example.test") if run.get("outcome")],
                                 "the Run is recorded")
        expect(runs[0]["outcome"] == "deployed", f"the outcome is {runs[0]['outcome']}: {runs[0]}")
        said = self.machine.output("cat", LOG)
        expect("is kept in memory with" in said, f"the sandbox keeps certbot from being forked:\n{said}")

    def group_key(self):
        machine = self.machine
        found = machine.output("stat", "--dereference", "--format=%a %U %G", f"{STORE}/example.test/privkey.pem")
        expect(found == "640 certherd ssl-cert", f"the key is {found}")
        machine.run("runuser", "-u", "reader", "--", "cat", f"{STORE}/example.test/privkey.pem")
        stranger = machine.run("runuser", "-u", "nobody", "--", "cat", f"{STORE}/example.test/privkey.pem", check=False)
        expect(stranger.returncode != 0, "nobody may read the key")
        machine.run("runuser", "-u", "nobody", "--", "cat", f"{STORE}/example.test/fullchain.pem")

    def status(self):
        text = self.machine.property("StatusText")
        expect(re.search(r"\d", text), f"the status line is '{text}'")
        expect(text in self.machine.output("systemctl", "status", "--no-pager", "certherd"), "status does not show it")

    def load_credential(self):
        self.want("other.test")
        self.machine.run("systemctl", "reload", "certherd")
        self.wait_published("other.test")
        leftovers = self.machine.output("find", "/run/certherd/credentials", "-type", "f")
        expect(not leftovers, f"credentials files are left: {leftovers}")

    def reload(self):
        before = self.main_process()
        self.want("new.example.test")
        self.machine.run("systemctl", "reload", "certherd")
        self.wait_published("new.example.test")
        expect(self.main_process() == before, "the process is another one")

    def bad_reload(self):
        machine = self.machine
        before = self.main_process()
        machine.write(CONFIG, machine.output("cat", CONFIG).replace('"agree_tos": true', '"agree_toss": true'))
        machine.run("systemctl", "reload", "certherd")
        machine.wait(lambda: any("agree_toss" in str(entry.get("MESSAGE"))
                                 for entry in machine.journal("--unit=certherd", "--priority=err")),
                     "the fault is in the journal")
        machine.wait(lambda: machine.property("ActiveState") == "active", "the service is active again", 20)
        expect(self.main_process() == before, "the process is another one")
        self.configure()
        machine.run("systemctl", "reload", "certherd")
        machine.wait(lambda: "stays in force" not in machine.property("StatusText"), "the good one is in force", 20)

    def polkit_hook(self):
        machine = self.machine
        for unit in ("nginx", "sshd"):
            machine.write(f"/etc/systemd/system/{unit}.service",
                          "[Service]\nExecStart=/bin/sleep infinity\n" f"ExecReload=/bin/touch /run/{unit}-reloaded\n")
        machine.run("cp", f"{EXAMPLES}/polkit-1/rules.d/50-certherd.rules", "/etc/polkit-1/rules.d/")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "restart", "polkit")
        machine.run("systemctl", "start", "nginx", "sshd")
        self.want("hooked.example.test", hooks=["reload"])
        machine.run("systemctl", "reload", "certherd")
        self.wait_published("hooked.example.test")
        machine.wait(lambda: self.there("/run/nginx-reloaded"),
                     "the hook has reloaded nginx", 30)
        as_certherd = ["runuser", "-u", "certherd", "--", "systemctl", "--no-ask-password"]
        for command in (["reload", "sshd"], ["stop", "nginx"], ["restart", "certherd"]):
            refused = machine.run(*as_certherd, *command, check=False).returncode != 0
            expect(refused, f"certherd may {' '.join(command)}")

    def path_unit(self):
        machine = self.machine
        for name in ("certherd-deploy.path", "certherd-deploy.service"):
            machine.run("cp", f"{EXAMPLES}/{name}", f"/etc/systemd/system/{name}")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", "certherd-deploy.path")
        machine.run("rm", "-f", "/run/nginx-reloaded")
        self.want("rooted.example.test", hooks=["deploy"])
        machine.run("systemctl", "reload", "certherd")
        self.wait_published("rooted.example.test")
        machine.wait(lambda: self.there("/run/nginx-reloaded"),
                     "the path unit has reloaded nginx", 30)
        expect(not self.there("/run/certherd/deploy"), "the file is still there")
        machine.run("systemctl", "stop", "certherd-deploy.path")

    def journal_fields(self):
        entries = self.machine.journal("CERTHERD_CERTIFICATE=example.test")
        expect(entries, "no entry has CERTHERD_CERTIFICATE=example.test")
        run = self.runs_of("example.test")[-1]["run"]
        about_run = [entry for entry in entries if entry.get("CERTHERD_RUN") == run]
        expect(about_run, f"no entry has CERTHERD_RUN={run}: {entries[-1]}")
        entry = about_run[-1]
        expect(entry.get("SYSLOG_IDENTIFIER") == "certherd" and entry.get("PRIORITY") in tuple("34567"), str(entry))
        expect(entry.get("_SYSTEMD_UNIT") == "certherd.service", str(entry))
        expect(any("CERTHERD_EVENT" in entry for entry in about_run), "no entry of the Run has CERTHERD_EVENT")

    def rotate(self):
        machine = self.machine
        found = machine.output("stat", "--format=%a %U", LOG)
        expect(found == "640 certherd", f"the log file is {found}")
        before = machine.output("cat", LOG)
        expect(before, "the log file is empty")
        machine.run("logrotate", "--force", "/etc/logrotate.d/certherd")
        expect(machine.output("cat", LOG + ".1").startswith(before), "the old file has lost its entries")
        machine.wait(lambda: machine.output("cat", LOG), "the new file has entries", 20)
        found = machine.output("stat", "--format=%a %U", LOG)
        expect(found == "640 certherd", f"the new log file is {found}")
        machine.run("certherd", "audit", "verify")

    def control_socket(self):
        """The service knows who asks: no user namespace of its own stands between."""
        machine = self.machine
        found = machine.output("stat", "--format=%F %a", "/run/certherd/control.sock")
        expect(found == "socket 660", f"the control socket is {found}")
        before = len(self.runs_of("once.example.test"))
        machine.run("certherd", "issue", "--force", "once.example.test", timeout=120)
        runs = self.runs_of("once.example.test")
        expect(len(runs) == before + 1, "issue has left no Run")
        expect("root" in json.dumps(runs[0].get("actor")), f"the actor is {runs[0].get('actor')}")
        connect = "import socket; socket.socket(socket.AF_UNIX).connect('/run/certherd/control.sock')"
        refused = machine.run("runuser", "-u", "nobody", "--", "python3", "-c", connect, check=False)
        expect("PermissionError" in refused.stderr, f"nobody may connect: {refused.stderr}")

    def watchdog(self):
        machine = self.machine
        self.change_unit(WatchdogSec="4s", RestartSec="1s")
        machine.run("systemctl", "restart", "certherd", timeout=120)
        time.sleep(9)  # a watchdog that is not fed would have bitten twice by now
        expect(machine.property("NRestarts") == "0", "it was killed though it ran")
        before = self.main_process()
        machine.run("systemctl", "kill", "--signal=STOP", "--kill-whom=main", "certherd")
        machine.wait(lambda: machine.property("NRestarts") == "1", "the watchdog has bitten", 40)
        machine.wait(lambda: machine.property("ActiveState") == "active", "it is active again", 40)
        expect(self.main_process() != before, "the process is the same")

    def stop_in_flight(self):
        machine = self.machine
        name = "slow.example.test"
        self.want(name, propagation=300)
        machine.run("systemctl", "reload", "certherd")
        machine.wait(lambda: self.txt(name), "the TXT record is there", 60)
        begin = time.monotonic()
        machine.run("systemctl", "stop", "certherd", timeout=120)
        seconds = time.monotonic() - begin
        expect(seconds < 30, f"the stop took {seconds:.0f} s")
        expect(not self.txt(name), f"the TXT record is still there: {self.txt(name)}")
        result = machine.property("Result")
        expect(result == "success", f"the service ended with {result}")
        runs = self.runs_of(name)
        expect(len(runs) == 1 and runs[0]["outcome"] == "interrupted", f"recorded is {runs}")
        audit = machine.output("grep", name, "/var/log/certherd/audit.jsonl")
        expect("interrupted" in audit, f"the audit log says {audit}")
        machine.run("certherd", "audit", "verify")

    def nothing_left(self):
        machine = self.machine
        left = machine.run("pgrep", "--uid", "certherd", "--list-full", check=False).stdout if \
            machine.run("which", "pgrep", check=False).returncode == 0 else \
            machine.run("sh", "-c", "for p in /proc/[0-9]*; do [ \"$(stat -c %U $p 2>/dev/null)\" = certherd ] && "
                                    "tr '\\0' ' ' <$p/cmdline; done; true").stdout
        expect(not left.strip(), f"processes are left: {left}")
        expect(not self.there("/run/certherd"), "/run/certherd is left")
        readable = machine.run("runuser", "-u", "nobody", "--", "ls", "/var/lib/certherd", check=False)
        expect(readable.returncode != 0, "the state directory is open to everybody")
