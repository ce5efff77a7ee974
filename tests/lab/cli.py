"""The command line of the Lab."""

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from . import fault_cli
from . import options as lab_options
from .api import Lab, LabError
from .daemon import supervise

# Exit codes of `lab status`; 2 is argparse's.
OK, FAILED, NOT_RUNNING = 0, 1, 3


def main() -> int:
    arguments = _parser().parse_args()
    try:
        return arguments.verb(arguments)
    except (LabError, ValueError) as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="A real CA and real authoritative DNS on loopback.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    start = verbs.add_parser("start", help="start a Lab and print its directory")
    start.set_defaults(verb=_start)
    run = verbs.add_parser("run", help="run a command with a Lab around it")
    run.set_defaults(verb=_run)
    for parser_with_options in (start, run):
        parser_with_options.add_argument("--dir", type=Path, help="default: a fresh one, removed by stop")
        lab_options.add_arguments(parser_with_options)
    run.add_argument("command", nargs="+", metavar="COMMAND", help="after --")

    stop = verbs.add_parser("stop", help="stop the Lab in DIR")
    stop.add_argument("--keep", action="store_true", help="keep the files, also of a directory the Lab made")
    stop.set_defaults(verb=_stop)
    status = verbs.add_parser("status", help="show what runs; exit 0: all, 1: a part died, 3: nothing")
    status.add_argument("--json", action="store_true")
    status.set_defaults(verb=_status)
    change = verbs.add_parser("set", help="change a running Lab")
    change.add_argument("--lag", type=float, required=True, metavar="SECONDS")
    change.set_defaults(verb=_set)
    for parser_of_dir in (stop, status, change):
        parser_of_dir.add_argument("dir", metavar="DIR", type=Path)

    fault_cli.add_verb(verbs)

    # Without help: the Lab starts itself with this.
    internal = verbs.add_parser("supervise")
    internal.add_argument("dir", type=Path)
    internal.add_argument("ready", type=int)
    internal.add_argument("options", type=json.loads)
    internal.set_defaults(verb=_supervise)
    return parser


def _lab(arguments: argparse.Namespace, tied: bool) -> Lab:
    chosen = lab_options.from_arguments(arguments)
    return Lab(arguments.dir, tied=tied, **vars(chosen))


def _start(arguments: argparse.Namespace) -> int:
    print(_lab(arguments, tied=False).start().directory)
    return OK


def _stop(arguments: argparse.Namespace) -> int:
    Lab.attach(arguments.dir).stop(keep=arguments.keep)
    return OK


def _status(arguments: argparse.Namespace) -> int:
    try:
        lab = Lab.attach(arguments.dir)
        status = lab.status()
    except LabError as problem:
        print(f"lab: {problem}")
        return NOT_RUNNING
    if arguments.json:
        print(json.dumps(status, indent=2))
    else:
        print(f"lag {status['lag']:g} s")
        for name, part in status["parts"].items():
            print(f"{name:<10} pid {part['pid']:<8} {part['state']}")
            if part["state"].startswith("died"):
                print(f"           see {part['log']}")
    return FAILED if any(part["state"].startswith("died") for part in status["parts"].values()) else OK


def _set(arguments: argparse.Namespace) -> int:
    Lab.attach(arguments.dir).set_lag(arguments.lag)
    return OK


def _run(arguments: argparse.Namespace) -> int:
    # A signal that would end this process ends the command first and then the Lab.
    def leave(number, frame):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    lab = _lab(arguments, tied=True)
    code = FAILED
    try:
        lab.start()
        code = _command(arguments.command, {**os.environ, **lab.environment})
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except SystemExit as leaving:
        code = leaving.code
    finally:
        keep = code != OK
        if lab.directory:
            lab.stop(keep=keep)
            if keep and lab.made_directory:
                print(f"lab: the files are kept in {lab.directory}", file=sys.stderr)
    return code


def _command(command: list[str], environment: dict[str, str]) -> int:
    """Runs it; a code as a shell gives it."""
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as problem:
        print(f"lab: {command[0]}: {problem.strerror}", file=sys.stderr)
        return 127
    try:
        code = process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    return 128 - code if code < 0 else code


def _supervise(arguments: argparse.Namespace) -> int:
    chosen = arguments.options
    tied, made_directory = chosen.pop("tied"), chosen.pop("made_directory")
    return supervise(arguments.dir, lab_options.Options(**chosen), arguments.ready, tied, made_directory)
