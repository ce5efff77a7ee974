"""tidy.py BUILD_DIR JOBS: clang-tidy over the program's sources and the probes of the end-to-end tests, so many at a time.

A source that was clean is not looked at again as long as it, every header of ours that it includes, its compile command
and clang-tidy with its configuration are the same. With CI set nothing is taken from an earlier run.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
INCLUDE = re.compile(r'^\s*#include\s+(?:<(certherd/[^>]+)>|"([^"]+)")', re.MULTILINE)
# What it says of warnings in the headers of others.
NOISE = re.compile(r"^\d+ warnings?( and \d+ errors?)? generated\.\n", re.MULTILINE)


def with_headers(source):
    """The source and all headers of ours that it includes, directly or not."""
    found, queue = set(), [source]
    while queue:
        file = queue.pop()
        if file in found:
            continue
        found.add(file)
        for ours, beside in INCLUDE.findall(file.read_text()):
            header = REPOSITORY / "include" / ours if ours else file.parent / beside
            if header.exists():
                queue.append(header.resolve())
    return sorted(found)


def key_of(source, command, common):
    digest = hashlib.sha256(common + command.encode())
    for file in with_headers(source):
        digest.update(str(file).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def main(build, jobs):
    common = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    common += (REPOSITORY / ".clang-tidy").read_bytes()
    commands = {pathlib.Path(entry["file"]).resolve(): entry["command"]
                for entry in json.loads((build / "compile_commands.json").read_text())}
    sources = [*(REPOSITORY / "src").rglob("*.cpp"), *(REPOSITORY / "tests" / "e2e").glob("*.cpp")]
    clean = build / "tidy"
    clean.mkdir(exist_ok=True)
    keys = {source: key_of(source, commands[source], common) for source in sources}
    known = set() if os.environ.get("CI") else set(os.listdir(clean))
    # The longest to read are begun first, so that none of them is left to run alone at the end.
    todo = sorted((source for source in sources if keys[source] not in known),
                  key=lambda source: len(with_headers(source)), reverse=True)
    for old in set(os.listdir(clean)) - set(keys.values()):
        (clean / old).unlink()
    print(f"== clang-tidy: {len(todo)} of {len(sources)} files", file=sys.stderr, flush=True)

    def look_at(source):
        done = subprocess.run(["clang-tidy", "-p", build, "--quiet", source], cwd=REPOSITORY, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL)
        said = done.stdout + NOISE.sub("", done.stderr)
        if done.returncode == 0:
            (clean / keys[source]).touch()
        elif not said.strip():
            said = f"{source}: clang-tidy ended with {done.returncode}\n"
        if said.strip():
            print(said, end="", file=sys.stderr, flush=True)
        return done.returncode == 0

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        failed = list(pool.map(look_at, todo)).count(False)
    if failed:
        print(f"== clang-tidy: findings in {failed} files", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])))
