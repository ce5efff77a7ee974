"""The parts of a Lab: the files each needs and the command that starts it."""

import base64
import json
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import zones
from .options import Options, seconds

EAB_KID = "lab-kid-1"


@dataclass
class Ports:
    dns: int
    relay: int
    acme: int
    management: int
    proxy: int | None = None  # of the fault proxy, where one is wanted


@dataclass
class Part:
    name: str
    log: Path
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def _fresh(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def write_keys(directory: Path, names: list[str], ports: Ports) -> dict[str, dict]:
    """TSIG keys, each as a file for nsupdate -k and as a credentials file for certbot-dns-rfc2136."""
    keys = {}
    key_files, credentials = _fresh(directory / "keys"), _fresh(directory / "credentials")
    for name, scope in zones.key_scopes(names).items():
        secret = base64.b64encode(secrets.token_bytes(32)).decode()
        key_file, ini = key_files / f"{name}.key", credentials / f"{name}.ini"
        key_file.write_text(f'key "{name}" {{ algorithm hmac-sha256; secret "{secret}"; }};\n')
        ini.write_text(f"dns_rfc2136_server = {zones.PRIMARY}\n"
                       f"dns_rfc2136_port = {ports.dns}\n"
                       f"dns_rfc2136_name = {name}\n"
                       f"dns_rfc2136_secret = {secret}\n"
                       "dns_rfc2136_algorithm = HMAC-SHA256\n")
        keys[name] = {"zones": scope, "secret": secret, "algorithm": "hmac-sha256",
                      "key_file": str(key_file), "credentials": str(ini)}
    return keys


def primary(directory: Path, names: list[str], keys: dict[str, dict], ports: Ports, token: str) -> Part:
    home = _fresh(directory / "primary")
    served, shared = [], []
    for zone in names:
        (home / f"{zone}.zone").write_text(zones.zone_file(zone, token))
        grants = " ".join(f"grant {name} zonesub ANY;" for name, key in keys.items() if zone in key["zones"])
        served.append(f'  zone "{zone}" {{ type primary; file "{zone}.zone"; update-policy {{ {grants} }}; }};')
        shared.append(f'  zone "{zone}" {{ in-view resolver; }};')
    (home / "root.zone").write_text(zones.ROOT_ZONE)
    includes = "\n".join(f'include "{key["key_file"]}";' for key in keys.values())
    config = home / "named.conf"
    # Two views of the same zones: whoever asks for recursion, as the CA and dns.resolvers do, gets CNAMEs followed from
    # zone to zone; everybody else gets a purely authoritative server that refuses foreign names. The root zone keeps
    # the resolver from ever asking the world.
    # Without `reuseport no` two labs could share one UDP port unnoticed. notify-delay is 5 s by default.
    config.write_text(f"""\
options {{
  directory "{home}";
  pid-file none; lock-file none; session-keyfile "{home}/session.key";
  listen-on port {ports.dns} {{ {zones.PRIMARY}; }};
  listen-on-v6 {{ none; }};
  reuseport no;
  dnssec-validation no; empty-zones-enable no;
  allow-query {{ any; }}; allow-transfer {{ 127.0.0.1; }};
  notify explicit; also-notify {{ 127.0.0.1 port {ports.relay}; }};
  notify-delay 0; notify-rate 1000; startup-notify-rate 1000;
}};
controls {{ }};
{includes}
view resolver {{
  match-recursive-only yes;
  recursion yes; allow-recursion {{ any; }};
  zone "." {{ type primary; file "root.zone"; notify no; }};
{chr(10).join(served)}
}};
view authoritative {{
  recursion no;
{chr(10).join(shared)}
}};
""")
    # -g: foreground and all logging to stderr; no -u: named stays who it is.
    return Part("primary", directory / "primary.log", [_named(home), "-g", "-n", "2", "-c", str(config)])


def _named(home: Path) -> str:
    """Debian's AppArmor profile for /usr/sbin/named allows no files outside /etc/bind and /var. It goes by the path of
    the program, so where AppArmor is on the Lab runs a copy of it."""
    enabled = Path("/sys/module/apparmor/parameters/enabled")
    program = shutil.which("named", path=os.environ.get("PATH", "") + ":/usr/sbin") or "/usr/sbin/named"
    confined = enabled.exists() and enabled.read_text().startswith("Y")
    return shutil.copy(program, home / "named") if confined or os.environ.get("LAB_COPY_NAMED") else program


def secondary(directory: Path, names: list[str], ports: Ports) -> Part:
    home = _fresh(directory / "secondary")
    blocks = "\n".join(f"zone:\n  name: {zone}\n  request-xfr: AXFR 127.0.0.1@{ports.relay} NOKEY\n"
                       "  allow-notify: 127.0.0.1 NOKEY" for zone in names)
    config = home / "nsd.conf"
    # nsd limits the rate of answers by default, and waits a second between two reloads.
    config.write_text(f"""\
server:
  ip-address: {zones.SECONDARY}@{ports.dns}
  do-ip6: no
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{home}"
  pidfile: "{home}/nsd.pid"
  zonelistfile: "{home}/zone.list"
  xfrdfile: "{home}/xfrd.state"
  xfrdir: "{home}"
  server-count: 1
  verbosity: 1
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  xfrd-reload-timeout: 0
remote-control:
  control-enable: no
{blocks}
""")
    program = shutil.which("nsd", path=os.environ.get("PATH", "") + ":/usr/sbin") or "/usr/sbin/nsd"
    return Part("secondary", directory / "secondary.log", [program, "-d", "-c", str(config)])


def ca(directory: Path, options: Options, ports: Ports) -> tuple[Part, dict]:
    """The CA, and what lab.json says about it."""
    home = _fresh(directory / "ca")
    _write_tls_files(home)
    eab = None
    if options.eab:
        eab = {"kid": EAB_KID, "hmac_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")}
    config = home / "pebble.json"
    config.write_text(json.dumps({"pebble": {
        "listenAddress": f"127.0.0.1:{ports.acme}",
        "managementListenAddress": f"127.0.0.1:{ports.management}",
        "certificate": str(home / "tls.pem"),
        "privateKey": str(home / "tls.key"),
        "httpPort": 1, "tlsPort": 1,  # where http-01 and tls-alpn-01 would ask: the Lab is for dns-01
        "certificateValidityPeriod": seconds(options.certificate_lifetime),
        "domainBlocklist": [zones.NAMES["blocked"]],
        "externalAccountBindingRequired": options.eab,
        "externalAccountMACKeys": {eab["kid"]: eab["hmac_key"]} if eab else {},
    }}, indent=2))
    servers = {"primary": f"{zones.PRIMARY}:{ports.dns}", "secondary": f"{zones.SECONDARY}:{ports.dns}"}
    asks = servers.get(options.ca_dns, options.ca_dns)
    environment = {
        **({"PEBBLE_VA_SLEEPTIME": str(options.va_sleep)} if options.va_sleep else {"PEBBLE_VA_NOSLEEP": "1"}),
        "PEBBLE_WFE_NONCEREJECT": str(options.nonce_reject),
        "PEBBLE_AUTHZREUSE": str(options.authz_reuse),
        "PEBBLE_CHAIN_LENGTH": str(options.chain_length),
        "PEBBLE_ALTERNATE_ROOTS": str(options.alternate_roots),
    }
    facts = {
        "directory": f"https://localhost:{ports.proxy or ports.acme}/dir",
        "direct_directory": f"https://localhost:{ports.acme}/dir",
        "tls": {"certificate": str(home / "tls.pem"), "key": str(home / "tls.key")},
        "management": f"https://localhost:{ports.management}",
        "ca_bundle": str(home / "tls-ca.pem"),
        "roots": [str(home / f"root-{number}.pem") for number in range(options.alternate_roots + 1)],
        "asks": asks,
        "eab": eab,
    }
    return Part("ca", directory / "pebble.log", ["pebble", "-config", str(config), "-dnsserver", asks],
                environment), facts


def _write_tls_files(home: Path) -> None:
    """A CA of this Lab's own, so that trust in one Lab's endpoint is no trust in another's."""
    new_key = ["openssl", "req", "-x509", "-nodes", "-days", "3650", "-newkey", "ec",
               "-pkeyopt", "ec_paramgen_curve:P-256"]
    authority = ["-keyout", str(home / "tls-ca.key"), "-out", str(home / "tls-ca.pem"), "-subj", "/CN=Lab TLS CA",
                 "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    server = ["-keyout", str(home / "tls.key"), "-out", str(home / "tls.pem"), "-subj", "/CN=localhost",
              "-CA", str(home / "tls-ca.pem"), "-CAkey", str(home / "tls-ca.key"),
              "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
              "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=critical,digitalSignature",
              "-addext", "extendedKeyUsage=serverAuth"]
    for arguments in (authority, server):
        subprocess.run(new_key + arguments, check=True, capture_output=True, text=True)
