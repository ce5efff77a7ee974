"""Includes go down only; rooms of one floor do not know each other; third-party headers stay where they may be."""

import unittest

from house.source_tree import FLOOR_OF, ROOT, fault, includes


def faults(files):
    return [f"{include.path}:{include.line}: #include {include.name}: {what}"
            for path, text in files for include in includes(path, text) if (what := fault(include))]


class TheSourceTree(unittest.TestCase):
    def test_keeps_its_floors(self):
        files = [(path.relative_to(ROOT).as_posix(), path.read_text())
                 for top in ("include", "src") for path in sorted((ROOT / top).rglob("*.[ch]pp"))]
        self.assertGreater(len(files), 50)
        self.assertEqual(faults(files), [])

    def test_has_no_room_beside_the_known_ones(self):
        rooms = {path.name for top in ("src", "include/certherd") for path in (ROOT / top).iterdir() if path.is_dir()}
        self.assertEqual(rooms - set(FLOOR_OF), set())


class ThePlantedViolation(unittest.TestCase):
    """Each kind of fault, planted, is found: so a green run above means something."""

    def check(self, path, line, expected):
        self.assertEqual(faults([(path, f"#pragma once\n{line}\n")]), [f"{path}:2: {expected}"] if expected else [])

    def test_upwards(self):
        self.check("src/os/x.cpp", "#include <certherd/store/pem.hpp>",
                   "#include certherd/store/pem.hpp: os may include only what is below it, and store is not")

    def test_sideways(self):
        self.check("include/certherd/store/x.hpp", "#include <certherd/hooks/outbox.hpp>",
                   "#include certherd/hooks/outbox.hpp: store may include only what is below it, and hooks is not")

    def test_an_unknown_room(self):
        self.check("src/cli/x.cpp", "#include <certherd/util/x.hpp>",
                   "#include certherd/util/x.hpp: the room util stands on no floor")

    def test_a_library_in_a_pure_room(self):
        self.check("src/renewal/x.cpp", "  #  include <boost/asio/awaitable.hpp>",
                   "#include boost/asio/awaitable.hpp: renewal/x does without third-party libraries")

    def test_a_library_in_the_command_builder(self):
        self.check("src/certbot/command.cpp", "#include <Poco/URI.h>",
                   "#include Poco/URI.h: certbot/command does without third-party libraries")

    def test_a_library_in_a_public_header(self):
        self.check("include/certherd/os/x.hpp", "#include <boost/json.hpp>",
                   "#include boost/json.hpp: a third-party header in a public header")

    def test_a_private_header_of_another_room(self):
        self.check("src/service/x.cpp", '#include "../store/files.hpp"',
                   "#include ../store/files.hpp: a private header of another directory")

    def test_what_is_allowed(self):
        self.check("src/service/x.cpp", "#include <certherd/store/pem.hpp>", None)
        self.check("src/store/x.cpp", "#include <openssl/x509.h>", None)
        self.check("src/store/x.cpp", '#include "files.hpp"', None)
        self.check("include/certherd/os/x.hpp", "#include <boost/asio/awaitable.hpp>", None)
        self.check("src/main.cpp", "#include <certherd/cli/command_line.hpp>", None)


if __name__ == "__main__":
    unittest.main()
