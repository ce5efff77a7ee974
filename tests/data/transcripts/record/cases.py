"""The cases: what is prepared, how certbot is called, what certherd should make of it."""

import dataclasses
import json
import shutil
import signal
import socket
import subprocess
import threading

import lab as L
from lab import Rule, api_handler, problem

APEX, WILDCARD = "example.test", "*.example.test"
BIND = "pebble 2.4 and BIND 9.18"
PROXY = "pebble 2.4 and BIND 9.18, behind a proxy that "
WORDING = PROXY + "gives the authorization an error in the words of Let's Encrypt's boulder"
WAITING = "DNS changes to propagate"
ALL = {}


@dataclasses.dataclass
class Case:
    prepare: object
    failure: str
    phase: str
    how: str
    slow: bool
    may_succeed: bool  # in some versions of certbot


def case(name, failure, phase, how, slow=False, may_succeed=False):
    def add(prepare):
        ALL[name] = Case(prepare, failure, phase, how, slow, may_succeed)
        return prepare
    return add


def ready(lab, *rules, **pebble):
    lab.rules = list(rules)
    lab.pebble(**pebble)
    lab.register()


def simple(title, failure, phase, how, /, *rules, slow=False, pebble=None, **certonly):
    """A case that is only a set of proxy rules, pebble settings or certbot options."""
    def prepare(lab):
        ready(lab, *rules, **(pebble or {}))
        return lab.certonly(**certonly)
    case(title, failure, phase, how, slow)(prepare)


# ---- successes

@case("success-two-names", None, None, BIND)
def _(lab):
    ready(lab)
    return lab.certonly(APEX, WILDCARD, seconds=2)


simple("success-propagation-0", None, None, BIND)
simple("success-propagation-3", None, None, BIND, seconds=3)
simple("success-slow-validation", None, None, BIND + "; pebble sleeps up to 8 s before it validates",
       pebble={"PEBBLE_VA_NOSLEEP": None, "PEBBLE_VA_SLEEPTIME": "8"})


@case("success-five-names", None, None, BIND)
def _(lab):
    ready(lab)
    return lab.certonly(APEX, *[f"{n}.{APEX}" for n in ("a", "b", "c", "d")])


@case("success-renewal", None, None, BIND + "; --force-renewal of a certificate issued just before")
def _(lab):
    ready(lab)
    lab.quiet(lab.certonly())
    return lab.certonly(extra=["--force-renewal"])


@case("success-valid-authorizations", None, None, BIND + "; pebble reuses the authorizations of an earlier order")
def _(lab):
    ready(lab, PEBBLE_AUTHZREUSE="100")
    lab.quiet(lab.certonly(APEX, WILDCARD))
    return lab.certonly(APEX, WILDCARD, extra=["--force-renewal"])


@case("success-one-of-two-valid", None, None, BIND + "; pebble reuses the authorization of one of the two names")
def _(lab):
    ready(lab, PEBBLE_AUTHZREUSE="100")
    lab.quiet(lab.certonly(APEX))
    return lab.certonly(APEX, "www." + APEX)


@case("not-yet-due", None, None, BIND + "; the same call again, nothing is due")
def _(lab):
    ready(lab)
    lab.quiet(lab.certonly())
    return lab.certonly()


@case("success-changed-domains", None, None, BIND + "; a name more than the existing certificate has")
def _(lab):
    ready(lab)
    lab.quiet(lab.certonly())
    return lab.certonly(APEX, "www." + APEX)


@case("success-unsafe-permissions", None, None, BIND + "; the credentials file is readable for all")
def _(lab):
    ready(lab)
    return lab.certonly(credentials=lab.credentials(mode=0o644))


simple("success-bad-nonce-once", None, None, PROXY + "refuses the nonce of the first new order",
       Rule("/order-plz", [1], 400, problem("badNonce", "JWS has an invalid anti-replay nonce: \"lab\"", 400)))

# ---- registration


@case("register-success", None, None, BIND)
def _(lab):
    lab.pebble()
    return lab.register_argv()


@case("register-again", "account_problem", "startup", BIND + "; there is an account already")
def _(lab):
    ready(lab)
    return lab.register_argv()


@case("register-eab-required", "account_problem", "account", "pebble 2.4 with externalAccountBindingRequired")
def _(lab):
    lab.pebble(eab=True)
    return lab.register_argv()


@case("register-eab-unknown-kid", "account_problem", "account", "pebble 2.4 with externalAccountBindingRequired, kid unknown")
def _(lab):
    lab.pebble(eab=True)
    return [*lab.register_argv(), "--eab-kid", "kid-nope", "--eab-hmac-key", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG4"]


@case("register-rate-limited", "rate_limited", "account", PROXY + "refuses the new account")
def _(lab):
    lab.rules = [Rule("/sign-me-up", None, 429, problem(
        "rateLimited", "too many new registrations (10) from this IP address in the last 3h0m0s, retry after 2026-11-24 "
        "09:00:00 UTC: see https://letsencrypt.org/docs/rate-limits/#new-registrations-per-ip-address", 429),
        {"Retry-After": "5400"})]
    lab.pebble()
    return lab.register_argv()


@case("register-invalid-contact", "account_problem", "account", PROXY + "refuses the new account")
def _(lab):
    lab.rules = [Rule("/sign-me-up", None, 400, problem(
        "invalidContact", "Error validating contact(s) :: contact email has forbidden domain \"example.test\"", 400))]
    lab.pebble()
    return lab.register_argv()


@case("register-ca-refuses-connection", "ca_unavailable", "account", "nothing listens at the CA's address")
def _(lab):
    return lab.register_argv()


# ---- validation: pebble's own words

VALIDATION = BIND + "; pebble asks "
simple("txt-missing", "txt_missing", "validation", VALIDATION + "a server that never gets the record (NODATA)",
       pebble={"resolver": L.STALE})
simple("dns-nxdomain", "txt_missing", "validation", VALIDATION + "a server where the name does not exist (NXDOMAIN)",
       pebble={"resolver": L.STALE}, name="www." + APEX)
simple("txt-wrong", "txt_wrong", "validation", VALIDATION + "a server with another TXT record",
       pebble={"resolver": L.WRONG})
simple("dns-servfail", "dns_error", "validation", VALIDATION + "a server that cannot load the zone (SERVFAIL)",
       pebble={"resolver": L.BROKEN})
simple("dns-refused", "dns_error", "validation", VALIDATION + "an address where nothing listens",
       pebble={"resolver": L.CLOSED})


@case("dns-timeout", "dns_error", "validation", VALIDATION + "a server that never answers", slow=True)
def _(lab):
    lab.silent(53)
    ready(lab, resolver=L.SILENT)
    return lab.certonly()


@case("txt-missing-two-names", "txt_missing", "validation", VALIDATION + "a server that never gets the records")
def _(lab):
    ready(lab, resolver=L.STALE)
    return lab.certonly(APEX, WILDCARD, seconds=2)


# ---- validation: boulder's words

def refuse(kind, detail, status=403, only=None):
    def edit(doc):
        if doc.get("status") in ("valid", "invalid") and only in (None, doc["identifier"]["value"]):
            doc["status"] = "invalid"
            doc["challenges"] = [c for c in doc["challenges"] if c["type"] == "dns-01"]
            for challenge in doc["challenges"]:
                challenge["status"] = "invalid"
                challenge["error"] = problem(kind, detail, status)
        return doc
    return Rule("/authZ/", edit=edit)


def wording(name, failure, kind, detail, status=403):
    simple(name, failure, "validation", WORDING, refuse(kind, detail, status))


NAME = "_acme-challenge." + APEX
wording("boulder-txt-missing", "txt_missing", "unauthorized", f"No TXT record found at {NAME}")
wording("boulder-txt-missing-secondary", "txt_missing", "unauthorized",
        f"During secondary validation: No TXT record found at {NAME}")
wording("boulder-txt-wrong", "txt_wrong", "unauthorized",
        f'Incorrect TXT record "gfj9Xq...Rg85nM" (and 1 more) found at {NAME}')
wording("boulder-nxdomain", "txt_missing", "dns",
        f"DNS problem: NXDOMAIN looking up TXT for {NAME} - check that a DNS record exists for this domain", 400)
wording("boulder-servfail", "dns_error", "dns",
        f"DNS problem: SERVFAIL looking up TXT for {NAME} - the domain's nameservers may be malfunctioning", 400)
wording("boulder-servfail-caa", "dns_error", "dns",
        f"DNS problem: SERVFAIL looking up CAA for {APEX} - the domain's nameservers may be malfunctioning", 400)
wording("boulder-dns-timeout", "dns_error", "dns", f"DNS problem: query timed out looking up TXT for {NAME}", 400)
wording("boulder-dns-timeout-secondary", "dns_error", "dns",
        f"During secondary validation: DNS problem: query timed out looking up TXT for {NAME}", 400)
wording("boulder-dnssec", "dns_error", "dns", f"DNS problem: looking up TXT for {NAME}: DNSSEC: DNSKEY Missing: "
        "validation failure <{NAME}. TXT IN>: No DNSKEY record for key example.test.".replace("{NAME}", NAME), 400)
wording("caa-refused-validation", "caa_refused", "caa", f"CAA record for {APEX} prevents issuance")


@case("boulder-one-of-two-wrong", "txt_wrong", "validation", WORDING + " for one of two names")
def _(lab):
    ready(lab, refuse("unauthorized", f'Incorrect TXT record "old" found at _acme-challenge.www.{APEX}', only="www." + APEX))
    return lab.certonly(APEX, "www." + APEX)


@case("boulder-two-problems", "dns_error", "validation", PROXY + "gives two names two different dns errors")
def _(lab):
    def edit(doc):
        if doc["identifier"]["value"] == APEX:
            return refuse("dns", f"DNS problem: SERVFAIL looking up TXT for {NAME} - the domain's nameservers may be "
                          "malfunctioning", 400).edit(doc)
        return refuse("dns", f"DNS problem: query timed out looking up TXT for _acme-challenge.www.{APEX}", 400).edit(doc)
    ready(lab, Rule("/authZ/", edit=edit))
    return lab.certonly(APEX, "www." + APEX)


def never_valid(doc):
    doc["status"] = "pending"
    for challenge in doc["challenges"]:
        challenge["status"] = "pending" if challenge["type"] != "dns-01" else "processing"
        challenge.pop("error", None)
    return doc


simple("authorization-never-finished", "ca_unavailable", "validation", PROXY + "keeps the authorization pending",
       Rule("/authZ/", edit=never_valid, headers={"Retry-After": "1"}), slow=True)

# ---- the provider


@case("provider-auth-wrong-secret", "provider_auth", "provision", BIND + "; wrong TSIG secret (BADSIG)")
def _(lab):
    ready(lab)
    return lab.certonly(APEX, WILDCARD, credentials=lab.credentials(secret=L.WRONG_SECRET))


@case("provider-auth-unknown-key", "provider_auth", "provision", BIND + "; TSIG key name unknown to the server (BADKEY)")
def _(lab):
    ready(lab)
    return lab.certonly(credentials=lab.credentials(key="nobody"))


@case("provider-scope-refused", "provider_scope", "provision", BIND + "; the key may not change this zone (REFUSED)")
def _(lab):
    ready(lab)
    return lab.certonly(credentials=lab.credentials(key="stranger"))


@case("provider-scope-notauth", "provider_scope", "provision",
      BIND + "; the key belongs to a view without the zone (4.x: NOTAUTH; 2.1 signs its SOA queries too and finds no zone)")
def _(lab):
    ready(lab)
    return lab.certonly(credentials=lab.credentials(key="elsewhere"))


simple("provider-scope-no-base-domain", "provider_scope", "provision", BIND + "; the server has no zone above the name",
       name="www.other.example")


@case("provider-error-timeout", "provider_error", "provision", "pebble 2.4; a DNS server that never answers", slow=True)
def _(lab):
    lab.silent(53)
    ready(lab)
    return lab.certonly(credentials=lab.credentials(server=L.SILENT))


@case("provider-error-connection-refused", "provider_error", "provision", "pebble 2.4; nothing listens at the DNS server's address",
      slow=True)
def _(lab):
    ready(lab)
    return lab.certonly(credentials=lab.credentials(server=L.CLOSED))


@case("provider-error-second-record", "provider_error", "provision",
      BIND + "; the DNS server can no longer be reached after the first of two records", slow=True)
def _(lab):
    ready(lab)
    credentials = lab.credentials(server="127.0.0.5")
    threading.Thread(target=relay_once, daemon=True).start()
    return lab.certonly(APEX, WILDCARD, credentials=credentials)


def relay_once():
    """127.0.0.5:53 passes TCP on to BIND until one update (opcode 5) went through, then refuses connections."""
    listener = socket.create_server(("127.0.0.5", 53))
    while True:
        client, _ = listener.accept()
        server = socket.create_connection((L.LIVE, 53))
        query = client.recv(65536)
        while len(query) < 2 or len(query) < 2 + int.from_bytes(query[:2], "big"):
            query += client.recv(65536)
        update = (query[4] >> 3) & 15 == 5
        if update:
            listener.close()
        server.sendall(query)
        answer = server.recv(65536)
        while len(answer) < 2 or len(answer) < 2 + int.from_bytes(answer[:2], "big"):
            answer += server.recv(65536)
        client.sendall(answer)
        client.close()
        server.close()
        if update:
            return


def cloudflare(name, failure, how, answer):
    def prepare(lab):
        if answer:
            lab.https("127.0.0.1", 443, api_handler(answer))
        ready(lab)
        credentials = lab.credentials(text="dns_cloudflare_api_token = 0123456789abcdef0123456789abcdef01234567\n")
        return lab.certonly(plugin="dns-cloudflare", credentials=credentials)
    case(name, failure, "provision", how)(prepare)


def cf_error(status, code, message, **more):
    text = json.dumps({"success": False, "errors": [{"code": code, "message": message, **more}], "messages": [], "result": None})
    return status, "application/json", text


def cf_zone_without_edit(method, path):
    if method == "GET" and path.startswith("/client/v4/zones?"):
        return 200, "application/json", json.dumps({"success": True, "errors": [], "messages": [], "result": [
            {"id": "023e105f4ecef8ad9ca31a8372d0c353", "name": APEX}], "result_info": {"count": 1}})
    return cf_error(403, 10000, "Authentication error")


FAKE = "pebble 2.4; a fake of the provider's API that "
cloudflare("provider-auth-cloudflare-invalid-token", "provider_auth", FAKE + "says 9109 Invalid access token",
           lambda method, path: cf_error(403, 9109, "Invalid access token"))
cloudflare("provider-auth-cloudflare-malformed-token", "provider_auth", FAKE + "says 6003 Invalid request headers",
           lambda method, path: cf_error(400, 6003, "Invalid request headers", error_chain=[
               {"code": 6111, "message": "Invalid format for Authorization header"}]))
cloudflare("provider-auth-cloudflare-authentication-error", "provider_auth", FAKE + "says 10000 Authentication error",
           lambda method, path: cf_error(403, 10000, "Authentication error"))
cloudflare("provider-scope-cloudflare-no-zone", "provider_scope", FAKE + "knows no such zone",
           lambda method, path: (200, "application/json", json.dumps(
               {"success": True, "errors": [], "messages": [], "result": [], "result_info": {"count": 0}})))
cloudflare("provider-scope-cloudflare-read-only-token", "provider_scope",
           FAKE + "shows the zone and refuses the record with 10000 Authentication error", cf_zone_without_edit)
cloudflare("provider-error-cloudflare-unreachable", "provider_error", "pebble 2.4; nothing listens at the provider's API", None)
cloudflare("provider-error-cloudflare-502", "provider_error", FAKE + "answers 502 with HTML",
           lambda method, path: (502, "text/html", "<html><head><title>502 Bad Gateway</title></head></html>\n"))


def route53(name, failure, how, answer, credentials=True):
    def prepare(lab):
        if answer:
            lab.https("127.0.0.1", 443, api_handler(answer))
        ready(lab)
        if credentials:
            lab.env = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
                       "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
        return lab.certonly(plugin="dns-route53", options=[])
    case(name, failure, "provision", how)(prepare)


def aws_error(status, code, message):
    return status, "text/xml", ('<?xml version="1.0"?>\n<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/">'
                                f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
                                "<RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>")


route53("provider-auth-route53-no-credentials", "provider_auth", "pebble 2.4; no AWS credentials anywhere", None, False)
route53("provider-auth-route53-invalid-token", "provider_auth", FAKE + "says InvalidClientTokenId",
        lambda method, path: aws_error(403, "InvalidClientTokenId", "The security token included in the request is invalid."))
route53("provider-scope-route53-access-denied", "provider_scope", FAKE + "says AccessDenied",
        lambda method, path: aws_error(403, "AccessDenied", "User: arn:aws:iam::123456789012:user/certherd is not authorized "
                                       "to perform: route53:ListHostedZones because no identity-based policy allows the "
                                       "route53:ListHostedZones action"))
route53("provider-scope-route53-no-zone", "provider_scope", FAKE + "has no hosted zone",
        lambda method, path: (200, "text/xml", '<?xml version="1.0"?>\n<ListHostedZonesResponse '
                              'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><HostedZones></HostedZones>'
                              "<IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListHostedZonesResponse>"))

# ---- the CA: rate limits

LIMIT = ('too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after '
         '2026-11-24 09:00:00 UTC: see https://letsencrypt.org/docs/rate-limits/#new-certificates-per-exact-set-of-identifiers')
simple("rate-limited-seconds", "rate_limited", "order", PROXY + "refuses the new order with Retry-After in seconds",
       Rule("/order-plz", None, 429, problem("rateLimited", LIMIT, 429), {"Retry-After": "3600"}))
simple("rate-limited-http-date", "rate_limited", "order", PROXY + "refuses the new order with Retry-After as an HTTP date",
       Rule("/order-plz", None, 429, problem("rateLimited", LIMIT, 429), {"Retry-After": "Tue, 24 Nov 2026 09:00:00 GMT"}))
simple("rate-limited-no-header", "rate_limited", "order", PROXY + "refuses the new order without Retry-After",
       Rule("/order-plz", None, 429, problem(
           "rateLimited", 'too many failed authorizations (5) for "example.test" in the last 1h0m0s, retry after 2026-11-24 '
           "09:00:00 UTC: see https://letsencrypt.org/docs/rate-limits/"
           "#authorization-failures-per-identifier-per-account", 429)))
simple("rate-limited-finalize", "rate_limited", "finalize", PROXY + "refuses to finalize",
       Rule("/finalize-order/", None, 429, problem("rateLimited", "Service busy; retry later.", 429), {"Retry-After": "120"}))

# ---- the CA: unavailable


@case("ca-connection-refused", "ca_unavailable", "account", "pebble is gone after the registration")
def _(lab):
    ready(lab)
    lab.children[-1].kill()
    lab.children[-1].wait()
    return lab.certonly()


@case("ca-name-not-found", "ca_unavailable", "account", "the CA's host name does not exist (real NXDOMAIN)")
def _(lab):
    ready(lab)
    copy_account(lab, "acme.lab.invalid")
    return lab.certonly(server="https://acme.lab.invalid/dir")


@case("ca-name-service-down", "ca_unavailable", "account", "the resolver refuses to look up the CA's host name")
def _(lab):
    ready(lab)
    copy_account(lab, "acme.other.example")
    return lab.certonly(server="https://acme.other.example/dir")


def copy_account(lab, host):
    accounts = lab.at(f"{L.STATE}/accounts/lab")
    shutil.copytree(accounts / "localhost:14000", accounts / host)


@case("ca-tls-untrusted", "ca_unavailable", "account", BIND + "; REQUESTS_CA_BUNDLE holds another CA")
def _(lab):
    ready(lab)
    lab.write(L.BUNDLE, (lab.home / "other.pem").read_text(), 0o644)
    return lab.certonly()


@case("ca-bundle-missing", "ca_unavailable", "account", BIND + "; REQUESTS_CA_BUNDLE names a file that does not exist")
def _(lab):
    ready(lab)
    lab.env = {"REQUESTS_CA_BUNDLE": f"{L.RUNTIME}/nothing.pem"}
    return lab.certonly()


@case("ca-timeout", "ca_unavailable", "account", "the CA's address takes connections and never answers", slow=True)
def _(lab):
    ready(lab)
    lab.children[-1].kill()
    lab.children[-1].wait()
    lab.silent(14000, "127.0.0.1")
    return lab.certonly()


BUSY = "<html>\n<head><title>503 Service Temporarily Unavailable</title></head>\n<body><center><h1>503</h1></center></body>\n</html>\n"
simple("ca-503-order", "ca_unavailable", "order", PROXY + "answers the new order with 503 and HTML",
       Rule("/order-plz", None, 503, BUSY, {"Retry-After": "60"}, content_type="text/html"))
simple("ca-503-finalize", "ca_unavailable", "finalize", PROXY + "answers the finalize request with 503 and HTML",
       Rule("/finalize-order/", None, 503, BUSY, content_type="text/html"))
simple("rate-limited-service-busy", "rate_limited", "order", PROXY + "answers the new order with 503, rateLimited and Retry-After",
       Rule("/order-plz", None, 503, problem("rateLimited", "Service busy; retry later.", 503), {"Retry-After": "30"}))
simple("ca-500-order", "ca_unavailable", "order", PROXY + "answers the new order with serverInternal",
       Rule("/order-plz", None, 500, problem("serverInternal", "Error creating new order", 500)))
simple("ca-500-finalize", "ca_unavailable", "finalize", PROXY + "answers the finalize request with serverInternal",
       Rule("/finalize-order/", None, 500, problem("serverInternal", "Error finalizing order", 500)))


def processing(doc):
    if doc.get("status") == "valid":
        doc["status"] = "processing"
        doc.pop("certificate", None)
    return doc


simple("finalize-timeout", "ca_unavailable", "finalize", PROXY + "keeps the order processing",
       Rule("/my-order/", edit=processing), Rule("/finalize-order/", edit=processing), slow=True)
simple("order-not-ready", "ca_unavailable", "finalize", PROXY + "answers the finalize request with orderNotReady",
       Rule("/finalize-order/", None, 403, problem("orderNotReady", 'Order\'s status ("pending") is not acceptable for '
                                                   "finalization", 403)))

# ---- the CA: refusals

simple("ca-rejected-identifier", "ca_rejected", "order", PROXY + "answers the new order with rejectedIdentifier",
       Rule("/order-plz", None, 400, problem(
           "rejectedIdentifier", "Invalid identifiers requested :: Cannot issue for \"example.test\": Domain name does not end "
           "with a valid public suffix (TLD)", 400)))
simple("ca-rejected-subproblems", "ca_rejected", "order", PROXY + "answers the new order with subproblems",
       Rule("/order-plz", None, 400, problem(
           "rejectedIdentifier", "Invalid identifiers requested :: Cannot issue for \"example.test\": The ACME server refuses to "
           "issue a certificate for this domain name, because it is forbidden by policy (and 1 more problems. Refer to "
           "sub-problems for more information.)", 400, subproblems=[
               problem("rejectedIdentifier", "The ACME server refuses to issue a certificate for this domain name, because it "
                       "is forbidden by policy", 400, identifier={"type": "dns", "value": n}) for n in (APEX, "www." + APEX)])))
simple("ca-malformed", "ca_rejected", "order", PROXY + "answers the new order with malformed",
       Rule("/order-plz", None, 400, problem("malformed", "Error creating new order :: Domain name \"www.example.test\" is "
                                             "redundant with a wildcard domain in the same request. Remove one or the other "
                                             "from the certificate request.", 400)))
simple("ca-bad-csr", "ca_rejected", "finalize", PROXY + "answers the finalize request with badCSR",
       Rule("/finalize-order/", None, 400, problem("badCSR", "Error finalizing order :: CSR contains a weak key", 400)))
CAA = ("Error finalizing order :: While processing CAA for example.test: CAA record for example.test prevents issuance")
simple("caa-refused-finalize", "caa_refused", "finalize", PROXY + "answers the finalize request with caa",
       Rule("/finalize-order/", None, 403, problem("caa", CAA, 403)))


def invalid_order(**more):
    def edit(doc):
        if doc.get("status") in ("processing", "valid"):
            doc["status"] = "invalid"
            doc.pop("certificate", None)
            doc.update(more)
        return doc
    return Rule("/my-order/", edit=edit), Rule("/finalize-order/", edit=edit)


simple("order-invalid-caa", "caa_refused", "finalize", PROXY + "makes the order invalid with a caa error",
       *invalid_order(error=problem("caa", CAA, 403)))
simple("order-invalid-server-internal", "ca_unavailable", "finalize", PROXY + "makes the order invalid with serverInternal",
       *invalid_order(error=problem("serverInternal", "Error finalizing order :: issuing precertificate: timeout", 500)))
simple("order-invalid-no-error", "ca_rejected", "finalize", PROXY + "makes the order invalid without saying why",
       *invalid_order())
NONCE = problem("badNonce", "JWS has an invalid anti-replay nonce: \"lab\"", 400)
simple("bad-nonce-twice", "bad_nonce", "order", PROXY + "refuses two nonces in a row", Rule("/order-plz", [1, 2], 400, NONCE))
simple("bad-nonce-twice-validation", "bad_nonce", "notify", PROXY + "refuses two nonces in a row at the challenge",
       Rule("/chalZ/", [1, 2], 400, NONCE))

# ---- the account


@case("account-unknown-to-ca", "account_problem", "order", "pebble 2.4, started anew since the registration: it knows no account")
def _(lab):
    ready(lab)
    lab.children[-1].kill()
    lab.children[-1].wait()
    lab.pebble()
    return lab.certonly()


simple("account-does-not-exist", "account_problem", "order", PROXY + "answers the new order with accountDoesNotExist",
       Rule("/order-plz", None, 400, problem(
           "accountDoesNotExist", 'Account "https://localhost:14000/my-account/1" not found', 400)))
simple("account-deactivated", "account_problem", "order", PROXY + "answers the new order as boulder does for a deactivated account",
       Rule("/order-plz", None, 403, problem("unauthorized", 'Account is not valid, has status "deactivated"', 403)))
simple("account-terms-changed", "account_problem", "order", PROXY + "answers the new order with userActionRequired",
       Rule("/order-plz", None, 403, problem("userActionRequired", "Terms of service have changed", 403,
                                             instance="https://localhost:14000/terms")))


@case("account-missing-locally", "account_problem", "startup",
      "no account in the accounts folder and no e-mail given (4.x: registers one)", may_succeed=True)
def _(lab):
    lab.pebble()
    lab.register_argv()
    return lab.certonly()


@case("account-id-missing-locally", "account_problem", "startup", "--account names an account that is not there")
def _(lab):
    ready(lab)
    return lab.certonly(extra=["--account", "0123456789abcdef0123456789abcdef"])


@case("account-two-locally", "account_problem", "startup", "two accounts and no --account")
def _(lab):
    ready(lab)
    folder = next(lab.at(f"{L.STATE}/accounts/lab").glob("*/dir/*"))
    shutil.copytree(folder, folder.with_name("0123456789abcdef0123456789abcdef"))
    return lab.certonly()


# ---- the credentials file

def credentials_case(name, how, text=None, prepare=None, failure="credentials_file"):
    def build(lab):
        ready(lab)
        path = lab.credentials(text=text)
        if prepare:
            prepare(lab.at(path))
        return lab.certonly(credentials=path)
    case(name, failure, "provision", f"{BIND}; {how}")(build)


def to_directory(path):
    path.unlink()
    path.mkdir()


KEYS = "dns_rfc2136_server = 127.0.0.1\ndns_rfc2136_name = certherd\ndns_rfc2136_algorithm = HMAC-SHA512\n"
credentials_case("credentials-missing", "the credentials file does not exist", prepare=lambda path: path.unlink())
credentials_case("credentials-directory", "the credentials file is a directory", prepare=to_directory)
credentials_case("credentials-key-missing", "the credentials file lacks a key", KEYS)
credentials_case("credentials-key-empty", "a key in the credentials file has no value", KEYS + "dns_rfc2136_secret =\n")
credentials_case("credentials-three-keys-missing", "the credentials file is empty", "\n")
credentials_case("credentials-parse-error", "the credentials file is not ConfigObj syntax", "this is no ini file\n" + KEYS)
credentials_case("credentials-comma", "an unquoted comma makes a value a list", KEYS + "dns_rfc2136_secret = a,b\n")
credentials_case("credentials-server-is-name", "the server is a host name",
                 KEYS.replace("127.0.0.1", "ns.example.test") + f"dns_rfc2136_secret = {L.SECRET}\n")
credentials_case("credentials-unknown-algorithm", "the algorithm is unknown",
                 KEYS.replace("SHA512", "SHA3") + f"dns_rfc2136_secret = {L.SECRET}\n")
credentials_case("credentials-secret-not-base64", "the secret is not Base64", KEYS + "dns_rfc2136_secret = abc\n")


@case("credentials-option-missing", "credentials_file", "provision", BIND + "; no --dns-rfc2136-credentials")
def _(lab):
    ready(lab)
    return lab.certonly(options=["--dns-rfc2136-propagation-seconds", "0"])


# ---- plugins

@case("plugin-missing", "plugin_missing", "startup", "--authenticator dns-nope")
def _(lab):
    ready(lab)
    return lab.certonly(plugin="dns-nope", options=[])


@case("plugin-missing-option", "plugin_missing", "startup", "--authenticator dns-nope with --dns-nope-credentials (exit 2)")
def _(lab):
    ready(lab)
    return lab.certonly(plugin="dns-nope", credentials=lab.credentials())


@case("plugin-option-unknown", "plugin_missing", "startup", "an option the installed plugin does not have (exit 2)")
def _(lab):
    ready(lab)
    return lab.certonly(extra=["--dns-rfc2136-nope", "1"])


def broken_plugin(lab, body):
    folder = f"{L.STATE}/plugins"
    info = f"{folder}/certbot_dns_broken-1.0.dist-info"
    lab.write(f"{info}/METADATA", "Metadata-Version: 2.1\nName: certbot-dns-broken\nVersion: 1.0\n", 0o644)
    lab.write(f"{info}/entry_points.txt", "[certbot.plugins]\ndns-broken = certbot_dns_broken:Authenticator\n", 0o644)
    lab.write(f"{info}/top_level.txt", "certbot_dns_broken\n", 0o644)
    lab.write(f"{folder}/certbot_dns_broken.py", body, 0o644)
    lab.env = {"PYTHONPATH": folder}


@case("plugin-broken", "plugin_broken", "startup", "PYTHONPATH with a plugin that raises while it is imported")
def _(lab):
    ready(lab)
    broken_plugin(lab, "from acme.nowhere import Nothing\n")
    return lab.certonly()


@case("plugin-broken-attribute", "plugin_broken", "startup", "PYTHONPATH with a plugin whose entry point is not in its module")
def _(lab):
    ready(lab)
    broken_plugin(lab, "Other = None\n")
    return lab.certonly()


PLUGIN = '''from certbot.plugins import dns_common


class Authenticator(dns_common.DNSAuthenticator):
    description = "A plugin with a mistake."

    def more_info(self):
        return "lab"

    def _setup_credentials(self):
        pass

    def _perform(self, domain, validation_name, validation):
        {body}

    def _cleanup(self, domain, validation_name, validation):
        pass
'''


@case("plugin-crash", "certbot_crash", "provision", "PYTHONPATH with a plugin that raises KeyError in _perform")
def _(lab):
    ready(lab)
    broken_plugin(lab, PLUGIN.format(body='return {"zones": []}["result"]'))
    return lab.certonly(plugin="dns-broken", options=["--dns-broken-propagation-seconds", "0"])


# ---- locks, signals, crashes

@case("certbot-locked", "certbot_locked", "startup", "another process holds the locks of all three directories")
def _(lab):
    ready(lab)
    for folder in lab.dirs(APEX).values():
        lab.hold_lock(folder)
    return lab.certonly()


@case("certbot-locked-config", "certbot_locked", "startup", "another process holds the lock of the config directory")
def _(lab):
    ready(lab)
    lab.hold_lock(lab.dirs(APEX)["config"])
    return lab.certonly()


def signalled(name, how, *react, seconds=20, phase="propagation", pebble=None, names=(APEX, WILDCARD)):
    @case(name, "interrupted", phase, f"{BIND}; {how}")
    def _(lab):
        ready(lab, **(pebble or {}))
        return lab.certonly(*names, seconds=seconds), react


signalled("sigterm-in-wait", "SIGTERM to the process group in the wait", WAITING, 1.5, signal.SIGTERM)
signalled("sigint-in-wait", "SIGINT to the process group in the wait", WAITING, 1.5, signal.SIGINT)
signalled("sighup-in-wait", "SIGHUP to the process group in the wait", WAITING, 1.5, signal.SIGHUP)
signalled("sigkill-in-wait", "SIGKILL to the process group in the wait", WAITING, 1.5, signal.SIGKILL)
signalled("sigterm-in-validation", "SIGTERM while pebble sleeps before it validates", "Waiting for verification", 1.5,
          signal.SIGTERM, seconds=0, phase="validation", pebble={"PEBBLE_VA_NOSLEEP": None, "PEBBLE_VA_SLEEPTIME": "30"})
signalled("sigterm-in-startup", "SIGTERM 150 ms after the spawn", "", 0.15, signal.SIGTERM, phase="startup")


@case("crash-config-read-only", "certbot_crash", "startup", "the config directory is on a read-only file system")
def _(lab):
    ready(lab)
    argv = lab.certonly()
    folder = lab.at(lab.dirs(APEX)["config"])
    (folder / "accounts").unlink()
    lab.mount_config(APEX)
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    return argv


@case("crash-config-full", "certbot_crash", "save", "the config directory is on a file system without room for the certificate")
def _(lab):
    ready(lab)
    argv = lab.certonly()
    (lab.at(lab.dirs(APEX)["config"]) / "accounts").unlink()
    folder = lab.mount_config(APEX, "-o", "size=64k")
    (folder / "ballast").write_bytes(b"x" * 52 * 1024)
    return argv


@case("success-other-lineage-broken-file", None, None,
      BIND + "; the renewal file is not ConfigObj syntax: certbot makes a second lineage, example.test-0001")
def _(lab):
    ready(lab)
    lab.quiet(lab.certonly())
    lab.write(lab.dirs(APEX)["config"] + f"/renewal/{APEX}.conf", "this is no renewal file\n")
    return lab.certonly()


@case("success-other-lineage-key-missing", None, None,
      BIND + "; live/example.test/privkey.pem is gone: certbot makes a second lineage, example.test-0001")
def _(lab):
    ready(lab)
    lab.quiet(lab.certonly())
    (lab.at(lab.dirs(APEX)["config"]) / f"live/{APEX}/privkey.pem").unlink()
    return lab.certonly(extra=["--force-renewal"])
