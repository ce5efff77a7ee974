"""The Debian 12 that the machine is booted from: made once, kept, and never written to afterwards."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

PACKAGES = ["systemd", "systemd-sysv", "dbus", "polkitd", "logrotate", "openssl", "python3", "certbot",
            "python3-certbot-dns-rfc2136", "bind9", "bind9-dnsutils", "nsd", "pebble"]
CODENAME = "bookworm"
# Services of the packages that the Lab starts copies of.
MASKED = ["named.service", "nsd.service", "certbot.timer", "systemd-networkd-wait-online.service"]
NSPAWN = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit"]


class CannotBuild(Exception):
    """What went wrong, with the end of what the command said."""


def say(text):
    print(f"== {text}", flush=True)


def run(command, **options):
    done = subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    if done.returncode != 0:
        end = "\n".join(done.stdout.splitlines()[-30:])
        raise CannotBuild(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{end}")
    return done.stdout


def directory():
    """Where it is kept."""
    if chosen := os.environ.get("CERTHERD_TEST_CACHE"):
        return pathlib.Path(chosen)
    cache = pathlib.Path("/var/cache")
    parent = cache if os.access(cache, os.W_OK) else pathlib.Path(tempfile.gettempdir())
    return parent / "certherd-tests"


def debian_sources():
    """The host's own apt sources of this Debian: [(uri, suite, component)], the release itself first."""
    lines = run(["apt-get", "indextargets", "--format", "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)",
                 "Created-By: Packages"]).splitlines()
    sources = []
    for uri, suite, component, origin in (line.split("\t") for line in lines):
        is_debian = origin == "Debian" or origin.startswith("$(")  # the Release file is not there yet
        if is_debian and suite.split("-")[0] == CODENAME and (uri, suite, component) not in sources:
            sources.append((uri, suite, component))
    sources.sort(key=lambda source: source[1] != CODENAME)
    if not sources or sources[0][1] != CODENAME:
        raise CannotBuild(f"no apt source of this host gives {CODENAME}: add one to /etc/apt/sources.list")
    return sources


def libraries_of(program):
    """The packages that the program's libraries come from on this host, which is a Debian 12 too."""
    files = {os.path.realpath(path) for path in re.findall(r"=> (/\S+)", run(["ldd", program]))}
    # dpkg knows some files below /lib and some below /usr/lib: they are one directory.
    names = {path: path.removeprefix("/usr") for path in files}
    said = subprocess.run(["dpkg-query", "--search", *names, *names.values()], capture_output=True, text=True).stdout
    owners = {}
    for line in said.splitlines():
        package, _, path = line.partition(": ")
        if not line.startswith("diversion"):
            owners["/usr" + path.removeprefix("/usr")] = package.split(":")[0]
    if unknown := [path for path in files if "/usr" + path.removeprefix("/usr") not in owners]:
        raise CannotBuild(f"these libraries of {program} belong to no package: {' '.join(unknown)}")
    packages = {owners["/usr" + path.removeprefix("/usr")] for path in files}
    return sorted(packages)


def base(program):
    """The directory with everything installed that certherd and the Lab need; made now if it is not there."""
    packages = PACKAGES + libraries_of(program)
    key = hashlib.sha256("\n".join([CODENAME, *packages, *MASKED]).encode()).hexdigest()[:12]
    kept = directory() / f"{CODENAME}-{key}"
    if kept.exists():
        return kept
    directory().mkdir(parents=True, exist_ok=True)
    for old in directory().iterdir():
        # Of another list of packages; what somebody builds at this moment is younger.
        if old.name.startswith(CODENAME) and time.time() - old.stat().st_mtime > 24 * 3600:
            shutil.rmtree(old, ignore_errors=True)
    building = pathlib.Path(tempfile.mkdtemp(prefix=f"{CODENAME}-building-", dir=directory()))
    building.chmod(0o755)
    try:
        build(building, packages)
        if not kept.exists():
            building.rename(kept)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return kept


def build(root, packages):
    sources = debian_sources()
    say(f"Making a Debian 12 from {sources[0][0]} in {root.parent}: minutes, once")
    run(["debootstrap", "--variant=minbase", "--include=ca-certificates", CODENAME, root, sources[0][0]])
    lines = [f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {uri} {suite} {component}\n"
             for uri, suite, component in sources]
    (root / "etc/apt/sources.list").write_text("".join(lines))
    proxies = [line for line in run(["apt-config", "dump"]).splitlines() if re.match(r"Acquire::https?::Proxy", line)]
    (root / "etc/apt/apt.conf.d/99proxy").write_text("".join(line + "\n" for line in proxies))
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    say(f"Installing {len(packages)} packages in it")
    inside = [*NSPAWN, "--pipe", "--resolv-conf=replace-host", "-D", root, "--setenv=DEBIAN_FRONTEND=noninteractive"]
    run([*inside, "apt-get", "-q", "-o", "Acquire::Retries=3", "update"])
    run([*inside, "apt-get", "-q", "-o", "Acquire::Retries=3", "install", "-y", "--no-install-recommends", *packages])
    run([*inside, "apt-get", "clean"])
    policy.unlink()
    for unit in MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    (root / "etc/hostname").write_text("certherd-test\n")
