"""The zones of a Lab, the names in them that tests rely on, and who may update what."""

PRIMARY = "127.0.0.1"
# nsd binds to any address of 127/8 without the interface carrying it, so no root and no `ip addr` is needed, and
# both servers can share one port number, as authoritative servers in the world do.
SECONDARY = "127.0.0.2"

MASTER_KEY = "lab-master"

# What a test may rely on, by what it is good for. The CA names no CAA identity, so CAA is for the client to look at.
NAMES = {
    "delegated": "delegated.example.test",
    "delegated_target": "delegated-example.challenges.other.test",
    "cname_loop": "loop.example.test",
    "cname_nowhere": "nowhere.example.test",
    "cname_nowhere_target": "gone.other.test",
    "cname_outside": "outside.example.test",
    "cname_outside_target": "elsewhere.invalid",
    "caa_locked": "locked.example.test",
    # In a zone of its own: pebble 2.4 panics on an order for a name that lies above one of its blocked names.
    "blocked": "blocked.test",
}

_EXTRA = {
    "example.test": """\
_acme-challenge.delegated  CNAME delegated-example.challenges.other.test.
_acme-challenge.loop       CNAME loop-b
loop-b                     CNAME _acme-challenge.loop
_acme-challenge.nowhere    CNAME gone.other.test.
_acme-challenge.outside    CNAME elsewhere.invalid.
locked                     CAA 0 issue "another-ca.test"
locked                     CAA 0 issuewild ";"
""",
}

ROOT_ZONE = f"""\
$TTL 1
.         SOA ns.invalid. hostmaster.invalid. 1 3600 5 86400 1
.         NS  ns.invalid.
ns.invalid. A {PRIMARY}
"""


def zone_names(extra: int) -> list[str]:
    return ["example.test", "other.test", "blocked.test"] + [f"z{number}.test" for number in range(1, extra + 1)]


def key_scopes(zones: list[str]) -> dict[str, list[str]]:
    """Each TSIG key and the zones it may update."""
    return {"key-a": ["example.test"], "key-b": ["other.test"], "key-z": zones[2:], MASTER_KEY: zones}


def zone_file(zone: str, token: str) -> str:
    """The zone at the start. The token in the SOA tells this Lab's servers from those of any other."""
    return f"""\
$ORIGIN {zone}.
$TTL 1
@    SOA ns1 {token} 1 3600 5 86400 1
@    NS  ns1
@    NS  ns2
ns1  A   {PRIMARY}
ns2  A   {SECONDARY}
@    A   127.0.0.1
www  A   127.0.0.1
""" + _EXTRA.get(zone, "")
