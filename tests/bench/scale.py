"""What the verbs cost that look at everything, with ten thousand certificates."""

import base64
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from bench.issue_cost import NAME as ISSUED, Host
from bench.measure import median, peak_kib, spent, spread

VERBS = {"list": ["list"], "list --json": ["--json", "list"], "config check": ["config", "check"],
         "issue --all, nothing due": ["issue", "--all"]}


def domain(number: int) -> str:
    return f"host{number:06}.example.test"


def measure(host: Host, count: int, repetitions: int, say) -> list[dict]:
    say(f"making {count} certificates")
    big = Estate(host, count)
    big.check()
    costs = {verb: [] for verb in VERBS}
    for _ in range(repetitions):
        for verb, arguments in VERBS.items():
            cost = spent(big.command(*arguments), host.environment)
            if cost.code:
                raise RuntimeError(f"certherd {verb} ended with {cost.code}")
            costs[verb].append(cost)
    results = []
    for verb, arguments in VERBS.items():
        seconds = [cost.seconds for cost in costs[verb]]
        results.append({"verb": verb, "certificates": count, "repetitions": repetitions, "runs": big.runs,
                        "seconds": median(seconds), "seconds_spread": spread(seconds),
                        "cpu": median([cost.own_cpu for cost in costs[verb]]),
                        "peak_kib": peak_kib(big.command(*arguments), host.environment)})
        say(f"{verb}: {results[-1]['seconds']:.3f} s")
    return results


class Estate:
    """A configuration with many certificates, all of them published and with Runs in the journal."""

    def __init__(self, host: Host, count: int):
        self.host, self.count = host, count
        self.directory = host.directory / "big"
        self.state = self.directory / "state"
        self.state.mkdir(parents=True, mode=0o700)
        self.write_configuration()
        self.publish()
        self.runs = self.fill_journal()

    def command(self, *arguments) -> list[str]:
        return [str(self.host.certherd), "--config", str(self.directory / "certherd.yaml"), *arguments]

    def check(self) -> None:
        """The figures would mean nothing if certherd saw less than what was made."""
        shown = json.loads(subprocess.run(self.command("--json", "list"), env=self.host.environment, check=True,
                                          capture_output=True, text=True).stdout)
        complete = [line for line in shown if line["current"]["domains"] == line["domains"] and line["last_run"]]
        due = json.loads(subprocess.run(self.command("--json", "issue", "--all"), env=self.host.environment, check=True,
                                        capture_output=True, text=True).stdout)
        idle = [line for line in due if not line["due"]]
        if len(complete) != self.count or len(idle) != self.count:
            raise RuntimeError(f"of {self.count} certificates {len(complete)} are listed whole and {len(idle)} not due")

    def write_configuration(self) -> None:
        head = json.loads((self.host.directory / "certherd.yaml").read_text())
        del head["certificates"]
        lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()] + ["certificates:"]
        lines += [f"  - name: {domain(number)}\n    domains: [{domain(number)}]\n    dns_provider: rfc2136\n"
                  "    account: a\n    propagation_seconds: 30\n    key_type: ecdsa"
                  for number in range(self.count)]
        (self.directory / "certherd.yaml").write_text("\n".join(lines) + "\n")

    def publish(self) -> None:
        """One certificate is made in earnest. The others are its copies with another name of the same length, so that
        only their signatures are wrong, which nobody looks at who only reads them."""
        template = self.directory / "template.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "90", "-subj", "/CN=" + domain(0), "-addext", "subjectAltName=DNS:" + domain(0),
                        "-keyout", self.directory / "privkey.pem", "-out", template], check=True, capture_output=True)
        body = "".join(line for line in template.read_text().splitlines() if not line.startswith("-----"))
        der = base64.b64decode(body)
        links = self.state / "certificates"
        links.mkdir()
        for number in range(self.count):
            name = domain(number)
            generation = self.state / "generations" / name / "1"
            generation.mkdir(parents=True)
            text = pem(der.replace(domain(0).encode(), name.encode()))
            for file in ("cert.pem", "fullchain.pem"):
                (generation / file).write_text(text)
            for file in ("chain.pem", "privkey.pem"):
                shutil.copy(template if file == "chain.pem" else self.directory / "privkey.pem", generation / file)
            (links / name).symlink_to(f"../generations/{name}/1")
            live = self.state / "certbot" / name / "config" / "live" / name
            live.mkdir(parents=True)
            os.link(generation / "cert.pem", live / "cert.pem")

    def fill_journal(self) -> int:
        """The last real Run, with all that belongs to it, once for each certificate and a second time for every fifth."""
        self.host.must("list")
        with sqlite3.connect(self.host.state / "certherd.db") as source:
            source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(self.host.state / "certherd.db", self.state / "certherd.db")
        database = sqlite3.connect(self.state / "certherd.db")
        (original,) = database.execute("SELECT id FROM runs WHERE certificate = ? ORDER BY started DESC",
                                       [ISSUED]).fetchone()
        numbers = [(number, again) for number in range(self.count) for again in range(1 + (number % 5 == 0))]
        for table in ("runs", "attempts", "phases", "failures", "generations"):
            key = "id" if table == "runs" else "run"
            cursor = database.execute(f"SELECT * FROM {table} WHERE {key} = ?", [original])
            columns = [column[0] for column in cursor.description]
            rows = [dict(zip(columns, row)) for row in cursor]
            insert = f"INSERT INTO {table} VALUES ({', '.join(':' + column for column in columns)})"
            for number, again in numbers:
                name = domain(number)
                for row in rows:
                    changed = {**row, key: f"{row[key][:16]}-{name}-{number * 2 + again:06x}"}
                    changed.update({column: name for column in ("certificate", "domains") if column in row})
                    if table == "runs":
                        changed["started"] -= (number % 5000 + 5000 * again) * 1000
                    database.execute(insert, changed)
        database.commit()
        database.execute("DELETE FROM audit_head")  # the audit log beside it begins anew
        database.commit()
        (runs,) = database.execute("SELECT COUNT(*) FROM runs").fetchone()
        database.close()
        return runs


def pem(der: bytes) -> str:
    body = base64.b64encode(der).decode()
    lines = [body[at:at + 64] for at in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
