"""Credentials files, written and read by certherd, against the configobj that certbot itself uses."""

import json
import os
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

import configobj

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROBE = pathlib.Path(os.environ.get("CERTHERD_BUILD", REPOSITORY / "build")) / "tests" / "providers_probe"

PIECES = ["a", "Z", "0", " ", "  ", "\t", "\n", "\r", "\r\n", ",", "#", '"', "'", '"""', "'''", "%", "%(", ")s",
          "%(x)s", "%(certherd_percent)s", "=", "[", "]", "\\", "$", "${x}", "é", "\u00a0", "\u2028", "\x0b", "\x1f",
          "\ufeff", ";"]
LINES = ["[", "]", "[DEFAULT]", "a", "b", " ", "=", " = ", ",", "#", " # ", '"', "'", '"""', "'''", "\n", "%(a)s",
         "%(b)s", "%(", ")s", "x y", "\t", "\r"]


def probe(verb, data):
    done = subprocess.run([PROBE, verb], input=data.encode(), capture_output=True, check=True, timeout=60)
    return done.stdout.decode()


def read_like_certbot(text):
    """The values at the top as certbot's CredentialsConfiguration hands them out, or the error it would die of."""
    with tempfile.NamedTemporaryFile("wb", suffix=".ini") as file:
        file.write(text.encode())
        file.flush()
        parsed = configobj.ConfigObj(file.name)
    values = {}
    for key in parsed.scalars:
        try:
            values[key] = parsed.get(key)
        except configobj.ConfigObjError:
            values[key] = None
    return values


class Writing(unittest.TestCase):
    def check(self, values):
        named = {f"dns_x_{number}": value for number, value in enumerate(values)}
        text = probe("write", json.dumps(named))
        read = read_like_certbot(text)
        for key, value in named.items():
            self.assertEqual(read.get(key), value, f"in {text!r}")

    def test_values_that_need_care(self):
        self.check(["", "plain", " leading", "trailing ", "a,b", "a#b", "#", ",", '"', "'", '"quoted"', "'quoted'",
                    "both ' and \"", "100%", "%(name)s", "%%(name)s", "%(certherd_quote)s", "line\nline", "\n", "\nx\n",
                    "crlf\r\nend", "\r", 'three """ doubles', "three ''' singles", "\"\"\" and ''' together",
                    "\"\"\"\n'''\n", '"""', "'''", '""', "''", 'ends in "', 'ends in both \' "', '" starts', "[x]",
                    "a = b",
                    "-----BEGIN KEY-----\nabc+/=\n-----END KEY-----\n", "pässwörd", "; x", "\\n"])

    def test_random_values(self):
        chance = random.Random(20231)
        self.check(["".join(chance.choices(PIECES, k=chance.randint(0, 9))) for _ in range(3000)])


class Reading(unittest.TestCase):
    def check(self, files):
        for text, seen in zip(files, json.loads(probe("read", json.dumps(files))), strict=True):
            with self.subTest(text=text):
                try:
                    expected = read_like_certbot(text)
                except configobj.ConfigObjError:
                    self.assertTrue(seen["faults"], "certbot refuses this file")
                    continue
                self.assertEqual(seen["faults"], [], "certbot takes this file")
                self.assertEqual(sorted(seen["values"]), sorted(expected))
                for key, value in expected.items():
                    ours = seen["values"][key]
                    if value is None:
                        self.assertTrue(ours["lost_reference"])
                    elif isinstance(value, list):
                        self.assertTrue(ours["list"])
                        self.assertEqual(ours["text"], ", ".join(value))
                    else:
                        self.assertFalse(ours["list"])
                        self.assertEqual(ours["text"], value)

    def test_files_as_people_write_them(self):
        self.check(["dns_x_token = abc\n", "dns_x_token=abc # mine\n", "dns_x_token = a#b\n",
                    "dns_x_token = 'a#b' # c\n",
                    "# all comment\n\n", "dns_x_token =\n", "dns_x_token = a, b\n", "dns_x_token = a,\n", "k = ,\n",
                    "k = a,,b\n", "k = 'a\n", 'k = "a" b\n', 'k = "a"b"\n', "[section]\nk = v\n", "k = v\n[s]\nk = w\n",
                    "[[deep]]\n", "[a]\n[[b]]\nk = 1\n[c]\n", "[a]\n[a]\n", "k = 1\nk = 2\n", "k = '''a\nb'''\n",
                    'k = """a\n"b" # c\n""" # d\n', "k = '''a\n", "just words\n", "\ufeffk = v\n", "k = v\r\nj = w\r\n",
                    "k = %(j)s\nj = v\n", "k = %(k)s\n", "k = %(no)s\n", "k = 50%\n", "k = %(j)s\n[DEFAULT]\nj = v\n",
                    "'quoted key' = v\n", "k = a = b\n", "  k = v\n", "k : v\n", "k = \"a\", 'b'\n", "k = a 'b' c\n"])

    def test_random_files(self):
        chance = random.Random(4711)
        files = []
        while len(files) < 4000:
            text = "".join(chance.choices(LINES, k=chance.randint(1, 14)))
            # Keys and sections whose names begin with a quote or '=' exist in configobj, yet no plugin has one.
            if not re.search(r"(?m)^[\s\[]*['\"=,%)]", text):
                files.append(text)
        self.check(files)


if __name__ == "__main__":
    unittest.main()
