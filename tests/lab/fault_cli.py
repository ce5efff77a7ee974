"""`lab fault DIR ...`: what the fault proxy of a running Lab shall do."""

import argparse
import json
from pathlib import Path

from .api import Lab
from .faults import ARI_KINDS, ENDPOINTS


def add_verb(verbs) -> None:
    parser = verbs.add_parser("fault", help="tell the fault proxy of a Lab (started with --fault-proxy) what to spoil")
    parser.add_argument("dir", metavar="DIR", type=Path)
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    status = actions.add_parser("status", help="answer with this status, e.g. status 503 --retry-after 5")
    status.add_argument("status", type=int)
    status.add_argument("--problem", help="an ACME problem, e.g. rateLimited; default: a page of HTML")
    rate_limit = actions.add_parser("rate-limit", help="429, rateLimited")
    rate_limit.set_defaults(status=429, problem="rateLimited")
    for action in (status, rate_limit):
        action.add_argument("--retry-after", help="seconds or an HTTP date")
        action.add_argument("--detail", default="the fault proxy says so")
        action.set_defaults(kind="status")
    hang = actions.add_parser("hang", help="accept, and never answer")
    close = actions.add_parser("close", help="close the connection instead of answering")
    truncate = actions.add_parser("truncate", help="half of the CA's answer, then close")
    delay = actions.add_parser("delay", help="the CA's answer, later")
    delay.add_argument("seconds", type=float)
    for kind, action in (("hang", hang), ("close", close), ("truncate", truncate), ("delay", delay)):
        action.set_defaults(kind=kind)
    for action in (status, rate_limit, hang, close, truncate, delay):
        action.set_defaults(verb=_fault)
        action.add_argument("--on", default="any", help=f"any, {', '.join(ENDPOINTS)} or a path (default any)")
        action.add_argument("--count", type=int, help="how many requests (default: all until cleared)")
        action.add_argument("--skip", type=int, default=0, help="how many pass before the first")
        action.add_argument("--reached", action="store_true", help="the CA gets the request, its answer is lost")

    ari = actions.add_parser("ari", help="serve renewal information")
    ari.add_argument("kind", choices=ARI_KINDS)
    ari.add_argument("--id", help="for this certificate only (default: for all that have none of their own)")
    ari.add_argument("--start", type=float, help="of `window`: seconds from now")
    ari.add_argument("--end", type=float)
    ari.add_argument("--status", type=int, default=404, help="of `status`")
    ari.add_argument("--retry-after", default="21600")
    ari.add_argument("--explanation", metavar="URL")
    ari.set_defaults(verb=_ari)
    date = actions.add_parser("date", help="answer with a Date that is off by so much")
    date.add_argument("offset", type=float, help="seconds")
    date.set_defaults(verb=lambda arguments: _print(_lab(arguments).set_date_offset(arguments.offset)))
    clear = actions.add_parser("clear", help="no faults, no renewal information, the true Date")
    clear.set_defaults(verb=lambda arguments: _print(_lab(arguments).clear_faults()))
    show = actions.add_parser("show", help="the requests by endpoint so far, the faults still to come")
    show.set_defaults(verb=lambda arguments: _print(_lab(arguments).fault_state()))


def _lab(arguments: argparse.Namespace) -> Lab:
    return Lab.attach(arguments.dir)


def _print(state: dict) -> int:
    print(json.dumps(state, indent=2))
    return 0


def _chosen(arguments: argparse.Namespace) -> dict:
    return {name: value for name, value in vars(arguments).items() if name not in ("verb", "dir", "kind")}


def _fault(arguments: argparse.Namespace) -> int:
    return _print(_lab(arguments).fault(arguments.kind, **_chosen(arguments)))


def _ari(arguments: argparse.Namespace) -> int:
    return _print(_lab(arguments).set_renewal_info(arguments.kind, **_chosen(arguments)))
