"""What every file of the project keeps to."""

import os
import re
import unittest

from house.source_tree import ROOT

LINE_LIMIT = 400
# The machine on which a file happened to be written is nobody's business.
FOREIGN = re.compile(r"[.][.]/shared\b|[.]library\b|(?<![\w.$})-])/wor[k]/")
PATH = re.compile(r"(?<![\w./-])(?:docs|etc|include|plugins-map|src|systemd|tests)/[\w./-]*\w")


def project_files():
    for directory, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name not in {".git", "__pycache__"} and not name.startswith("build")]
        for name in names:
            path = ROOT / directory / name
            if name != ".git" and path.is_file() and not path.is_symlink():  # a worktree has a file of that name
                yield path


def recorded(path):
    return ROOT / "tests/data" in path.parents


def relative(path):
    return path.relative_to(ROOT).as_posix()


class EveryFile(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.files = {path: path.read_text(errors="replace") for path in project_files()}
        self.assertGreater(len(self.files), 100)

    def test_names_no_path_of_its_makers(self):
        found = [f"{relative(path)}: {match[0]}" for path, text in self.files.items() for match in FOREIGN.finditer(text)]
        self.assertEqual(found, [])

    def test_can_be_read_in_one_sitting(self):
        sources = {path: text for path, text in self.files.items()
                   if path.suffix in {".cpp", ".hpp", ".py", ".sh"} and not recorded(path)}
        long = [f"{relative(path)}: {lines} lines, of {LINE_LIMIT}" for path, text in sources.items()
                if (lines := len(text.splitlines())) > LINE_LIMIT]
        self.assertEqual(long, [])

    def test_that_is_a_script_can_be_started(self):
        found = [relative(path) for path, text in self.files.items()
                 if text.startswith("#!") and not recorded(path) and not os.access(path, os.X_OK)]
        self.assertEqual(found, [])

    def test_that_is_a_public_header_says_what_it_offers(self):
        headers = {path: text for path, text in self.files.items() if ROOT / "include" in path.parents}
        self.assertEqual([relative(path) for path, text in headers.items() if not text.startswith("#pragma once\n")], [])
        self.assertEqual([relative(path) for path, text in headers.items() if "///" not in text], [])

    def test_of_unit_tests_names_its_suite_by_its_place(self):
        unit = ROOT / "tests/unit"
        wrong = []
        for path, text in self.files.items():
            if unit in path.parents and "TEST_CASE" in text:
                room = path.relative_to(unit).parts[0]
                suites = re.findall(r'^TEST_SUITE\("([^"]*)"\)', text, re.MULTILINE)
                if not suites or not all(suite.startswith(room + "/") for suite in suites):
                    wrong.append(f"{relative(path)}: {suites}")
        self.assertEqual(wrong, [])

    def test_that_a_document_names_exists(self):
        documents = {path: text for path, text in self.files.items() if path.suffix == ".md" and not recorded(path)}
        self.assertTrue(documents)
        missing = [f"{relative(path)}: {name}" for path, text in documents.items() for name in PATH.findall(text)
                   if not (ROOT / name).exists() and not (path.parent / name).exists()]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
