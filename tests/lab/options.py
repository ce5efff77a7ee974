"""What one can choose about a Lab. The command line and the Python API both take their options from here."""

import argparse
import re
from dataclasses import dataclass, field, fields


def _option(default, help_text, **argparse_arguments):
    return field(default=default, metadata={"help": help_text, **argparse_arguments})


def seconds(text) -> int:
    """'90d', '12h', '10m', '30s' or a bare number of seconds."""
    match = re.fullmatch(r"(\d+)([smhd]?)", str(text))
    if not match:
        raise ValueError(f"not a duration: {text!r} (write 3600, 30s, 10m, 2h or 90d)")
    return int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def lag_seconds(text) -> float:
    value = float(text)
    if not 0 <= value <= 3600:
        raise ValueError("the lag is a number of seconds from 0 to 3600")
    return value


@dataclass
class Options:
    lag: float = _option(0.0, "seconds the secondary stays behind the primary", metavar="SECONDS")
    ca_dns: str = _option("primary", "the one server the CA asks: primary, secondary or ADDRESS:PORT")
    dns_port: int = _option(0, "of both DNS servers; 0: a free one", metavar="PORT")
    certificate_lifetime: str = _option("90d", "how long issued certificates live, e.g. 3600, 2h, 90d")
    nonce_reject: int = _option(0, "per cent of good nonces the CA rejects", metavar="PERCENT")
    va_sleep: int = _option(0, "the CA sleeps a random time up to this before it validates", metavar="SECONDS")
    authz_reuse: int = _option(0, "per cent of orders that get an older valid authorization", metavar="PERCENT")
    chain_length: int = _option(1, "intermediates in the chain", metavar="N")
    alternate_roots: int = _option(0, "further roots, each with its alternate chain", metavar="N")
    eab: bool = _option(False, "the CA wants external account binding")
    fault_proxy: bool = _option(False, "put the fault proxy before the CA; see `lab fault --help`")
    zones: int = _option(0, "extra zones z1.test, z2.test, ...", metavar="N")

    def __post_init__(self):
        self.lag = lag_seconds(self.lag)
        seconds(self.certificate_lifetime)
        if self.ca_dns not in ("primary", "secondary") and not re.fullmatch(r"\S+:\d+", self.ca_dns):
            raise ValueError("ca_dns is primary, secondary or ADDRESS:PORT")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for item in fields(Options):
        arguments = dict(item.metadata)
        if item.type is bool:
            arguments["action"] = "store_true"
        else:
            arguments.update(type=item.type, default=item.default)
            arguments["help"] += f" (default {item.default:g})" if item.type is not str else f" (default {item.default})"
        parser.add_argument("--" + item.name.replace("_", "-"), **arguments)


def from_arguments(namespace: argparse.Namespace) -> Options:
    return Options(**{item.name: getattr(namespace, item.name) for item in fields(Options)})
