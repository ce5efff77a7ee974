"""What the fault proxy does besides passing on: faults by endpoint, and renewal information (ARI, RFC 9773)."""

import json
import time
from collections import Counter
from dataclasses import dataclass, fields
from email.utils import formatdate

RENEWAL_INFO = "/renewal-info"

# The paths of pebble 2.4, by the names of RFC 8555; each also stands for what lies below it.
ENDPOINTS = {
    "directory": "/dir", "newNonce": "/nonce-plz", "newAccount": "/sign-me-up", "newOrder": "/order-plz",
    "account": "/my-account", "orders": "/list-orderz", "order": "/my-order", "finalize": "/finalize-order",
    "authz": "/authZ", "challenge": "/chalZ", "certificate": "/certZ", "revokeCert": "/revoke-cert",
    "keyChange": "/rollover-account-key", "renewalInfo": RENEWAL_INFO,
}
KINDS = ("status", "hang", "close", "truncate", "delay")
PROBLEM = "urn:ietf:params:acme:error:"


def endpoint_of(path: str) -> str:
    """'newOrder' for '/order-plz', the path itself for what has no name."""
    path = path.split("?", 1)[0]
    for name, prefix in ENDPOINTS.items():
        if path == prefix or path.startswith(prefix + "/"):
            return name
    return path


@dataclass
class Fault:
    """One kind of trouble. `status`: that answer; `hang`: none, ever; `close`: the connection ends instead of an
    answer; `truncate`: half of the CA's answer; `delay`: the CA's answer after so many seconds."""

    kind: str
    on: str = "any"  # an endpoint's name, a path, or "any"; "any" spares renewalInfo
    count: int | None = None  # how many requests it hits; None: all until cleared
    skip: int = 0  # requests that it lets pass first
    reached: bool = False  # whether the CA gets the request all the same and only the answer is lost
    status: int = 503
    retry_after: str | None = None  # seconds or an HTTP date, as the header says it
    problem: str | None = None  # "rateLimited", ...; None: a body that is no ACME problem
    detail: str = "the fault proxy says so"
    seconds: float = 0.0  # of `delay`

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no fault: {', '.join(KINDS)}")
        if self.on != "any" and self.on not in ENDPOINTS and not self.on.startswith("/"):
            raise ValueError(f"{self.on!r} is no endpoint: any, {', '.join(ENDPOINTS)} or a path")
        if self.retry_after is not None:
            self.retry_after = str(self.retry_after)

    def hits(self, endpoint: str) -> bool:
        """Whether this request is one to spoil; counts it."""
        if self.count == 0 or not (self.on == endpoint or (self.on == "any" and endpoint != "renewalInfo")):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count is not None:
            self.count -= 1
        return True

    def answer(self) -> "Answer":
        """What `status` says."""
        if self.problem:
            kind, body = "application/problem+json", json.dumps(
                {"type": PROBLEM + self.problem, "detail": self.detail, "status": self.status})
        else:
            kind, body = "text/html", f"<html><body><h1>{self.status}</h1>{self.detail}</body></html>\n"
        headers = [("Content-Type", kind)]
        if self.retry_after is not None:
            headers.append(("Retry-After", self.retry_after))
        return Answer(self.status, headers, body.encode())


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


def _rfc3339(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


HOUR, YEAR = 3600, 365 * 86400
# Where the window lies, from the moment it is set: seconds to its start and to its end.
WINDOWS = {"good": (HOUR, 2 * HOUR), "now": (-HOUR, HOUR), "past": (-2 * HOUR, -HOUR), "far": (YEAR, YEAR + HOUR),
           "reversed": (2 * HOUR, HOUR)}
MALFORMED = {"not-json": b"<html>renewal</html>", "no-window": b"{}", "empty": b"",
             "bad-date": b'{"suggestedWindow": {"start": "next week", "end": 17}}',
             "window-is-text": b'{"suggestedWindow": "soon"}'}
ARI_KINDS = (*WINDOWS, "window", *MALFORMED, "status", "off")


@dataclass
class RenewalInfo:
    """What GET renewalInfo/<id> answers: a window (absolute from the moment it is set, so that it stays the same
    however often it is asked for), something malformed, or a status."""

    kind: str
    start: float | None = None  # of `window`: seconds from now
    end: float | None = None
    retry_after: str | None = "21600"
    status: int = 404
    explanation: str | None = None

    def __post_init__(self):
        if self.kind not in ARI_KINDS:
            raise ValueError(f"{self.kind!r} is no renewal information: {', '.join(ARI_KINDS)}")
        if self.kind == "window" and (self.start is None or self.end is None):
            raise ValueError("a window needs a start and an end, in seconds from now")
        if self.retry_after is not None:
            self.retry_after = str(self.retry_after)
        now = time.time()
        start, end = WINDOWS.get(self.kind, (self.start or 0, self.end or 0))
        self.window = {"start": _rfc3339(now + start), "end": _rfc3339(now + end)}

    def answer(self) -> Answer:
        headers = [] if self.retry_after is None else [("Retry-After", self.retry_after)]
        if self.kind == "status":
            body = json.dumps({"type": PROBLEM + ("malformed" if self.status == 404 else "serverInternal"),
                               "detail": "no renewal information, says the fault proxy", "status": self.status})
            return Answer(self.status, [*headers, ("Content-Type", "application/problem+json")], body.encode())
        body = MALFORMED.get(self.kind)
        if body is None:
            told = {"suggestedWindow": self.window}
            if self.explanation:
                told["explanationURL"] = self.explanation
            body = json.dumps(told).encode()
        return Answer(200, [*headers, ("Content-Type", "application/json")], body)


def _made(kind, values: dict):
    known = {item.name for item in fields(kind)}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"{kind.__name__} knows no {', '.join(unknown)}")
    return kind(**values)


class Faults:
    """The proxy's whole state but the connections."""

    def __init__(self):
        self.clear()
        self.counts: Counter = Counter()

    def clear(self) -> None:
        """No fault, no renewal information, the true date. The counts stay."""
        self.faults: list[Fault] = []
        self.renewal_info: dict[str, RenewalInfo] = {}  # by id; "" is for all others
        self.date_offset = 0.0

    def obey(self, request: dict) -> dict:
        """One request of the control socket; raises ValueError."""
        what, values = request["what"], request.get("values", {})
        if what == "fault":
            self.faults.append(_made(Fault, values))
        elif what == "ari":
            one = values.pop("id", None) or ""
            told = _made(RenewalInfo, values)
            if told.kind == "off":
                self.renewal_info.pop(one, None)
            else:
                self.renewal_info[one] = told
        elif what == "date":
            self.date_offset = float(values["offset"])
        elif what == "clear":
            self.clear()
        elif what != "counts":
            raise ValueError(f"the fault proxy knows no {what!r}")
        return {"counts": dict(self.counts), "date_offset": self.date_offset,
                "faults": [{item.name: getattr(fault, item.name) for item in fields(Fault)}
                           for fault in self.faults if fault.count != 0]}

    def fault_for(self, method: str, path: str) -> Fault | None:
        """Counts the request; the first fault that hits it."""
        endpoint = endpoint_of(path)
        self.counts[f"{method} {endpoint}"] += 1
        return next((fault for fault in self.faults if fault.hits(endpoint)), None)

    def renewal_answer(self, path: str) -> Answer:
        """What a GET below renewalInfo gets."""
        one = path[len(RENEWAL_INFO) + 1:]
        told = self.renewal_info.get(one) or self.renewal_info.get("") or RenewalInfo("status", retry_after=None)
        return told.answer()

    def with_renewal_info(self, directory: bytes, host: str) -> bytes:
        """The CA's directory, with the entry while there is renewal information to give."""
        if not self.renewal_info:
            return directory
        return json.dumps({**json.loads(directory), "renewalInfo": f"https://{host}{RENEWAL_INFO}"}).encode()

    def date(self) -> str:
        return formatdate(time.time() + self.date_offset, usegmt=True)


def http_date(seconds_from_now: float) -> str:
    """For Retry-After as a date."""
    return formatdate(time.time() + seconds_from_now, usegmt=True)
