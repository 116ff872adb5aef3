"""Rules of the house that a compiler does not hold."""

import re
import subprocess
import sys
import unittest

import tree

FILE_LINES = 400
FUNCTION_LINES = 60

# What must not be written, and why. Looked for outside comments.
BANNED = [
    (re.compile(r"\bco_(await|yield|return)\b"), "GCC 12.2 miscompiles co_await on temporaries; no coroutines"),
    (re.compile(r"\bstd::(v?format|format_to)\b"), "GCC 12 has no std::format"),
    (re.compile(r"\bstd::w?c?s?regex\b|#include <regex>"), "std::regex overflows the stack on long input; use RE2"),
    (re.compile(r"\b(?:std::)?system\s*\(\s*\""), "no shell; use io/subprocess"),
    (re.compile(r"\bpopen\s*\("), "no shell; use io/subprocess"),
    (re.compile(r"\bfor \([^;()]* : (?:[^();]|\([^()]*\))*\([^()]*\)->[\w.]+\)"),
     "C++20 ends the life of the pointer before the loop; give it a name"),
    (re.compile(r"\bstd::(cout|cerr)\b"), "results are printed by cli, logs by base/log.h"),
]
BANNED_EXCEPT = {  # pattern text -> folders where it is right
    r"\bstd::(cout|cerr)\b": ("engine/cli/", "engine/sandbox/"),
}
# Who has a record that is not const could change it (docs/decisions/0017-a-record-changes-by-moves.md).
MUTABLE_RECORD = re.compile(r"(?<!const )(?<!\w)(?:sluice::)?Record(?:\s*[&*]\s*|\s+)(?!const\b)(\w+)\s*([;={,)])")
RECORD_MEMBER = r"\b(?:record_?|known|own|upstream)(?:\(\))?\s*(?:\.|->)\s*"
CHANGES = r"(?:\s*(?:\.|->)\s*\w+|\[[^\]]*\])*(?:\s*(?:[-+|]?=(?!=)|\+\+|--)|\.(?:reset|clear|emplace|insert|erase|assign|push_back|resize)\()"
COPY_OF_RECORD = re.compile(r"(?<!const )\bauto \w+ = [^;=]*\brecord(?:_|\(\))\s*;")
RECORDS_CHANGE_IN = ("engine/rollout/life/", "engine/model/record", "engine/deploylog/")
SLEEPS = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\b")


def functions(text):
    """Of formatted C++ without comments: first line, length and head of each function that begins in the first column.

    The rows of a table (after `rows = {` or `values<Row>({`) are data and do not count.
    """
    lines = text.splitlines()
    begin = start = None
    rows = 0
    table = None  # the indentation of the one we are in
    for number, line in enumerate(lines):
        if start is None:
            if begin is None and line and not line[0].isspace() and line[0] not in "}#":
                begin = number
            if begin is None:
                continue
            if line.rstrip().endswith("{"):
                head = " ".join(lines[begin:number + 1])
                is_function = "(" in head and not re.search(r"=\s*[\w:<>, ]*\{+$", head) and not re.match(
                    r"(inline |static )*(namespace|struct|class|enum|union|extern)\b", head)
                start = begin if is_function else None
                begin, rows, table = None, 0, None
            elif not line.strip() or line.rstrip().endswith((";", "}")):
                begin = None
        elif line.startswith("}"):
            yield start + 1, number - start + 1 - rows, lines[start]
            start = None
        elif table is not None:
            rows += 1
            if re.match(r"\s{%d}\}" % table, line):
                table = None
        elif re.search(r"\brows = \{$|\bvalues<Row>\(\{$", line):
            table = len(line) - len(line.lstrip())


class SourceRules(tree.Case):
    def test_nothing_banned_is_used(self):
        wrong = []
        for path in tree.code_files("engine"):
            text = tree.without_comments(tree.read(path))
            for pattern, why in BANNED:
                if path.startswith(BANNED_EXCEPT.get(pattern.pattern, ("\0",))):
                    continue
                for match in pattern.finditer(text):
                    wrong.append(f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match.group(0)}: {why}")
        self.assert_none(wrong)

    def test_only_moves_change_a_record(self):
        members = re.search(r"struct Record \{(.*?)\n\};", tree.read("engine/model/record.h"), re.S).group(1)
        names = set(re.findall(r"(\w+)(?: = [^;,]+|\{\})?[;,]", tree.without_comments(members)))
        self.assertTrue({"phase", "wait", "open", "targets", "started", "finished"} <= names, names)
        assigned = re.compile(RECORD_MEMBER + "(?:" + "|".join(sorted(names)) + r")\b" + CHANGES)
        wrong = []
        for path in tree.code_files("engine"):
            if path.startswith(RECORDS_CHANGE_IN):
                continue
            text = tree.without_comments(tree.read(path))
            found = [m for m in MUTABLE_RECORD.finditer(text) if m.group(1) != "record_"] 
            found += [*assigned.finditer(text), *COPY_OF_RECORD.finditer(text)]
            wrong += [f"{path}:{text.count(chr(10), 0, m.start()) + 1}: {m.group(0)}: only moves (rollout/life/) change a record"
                      for m in found]
        self.assert_none(wrong)

    def test_the_engine_does_not_sleep(self):
        """Waiting is done on a condition with a stop token (base/clock.h), so that a stop is prompt."""
        wrong = [path for path in tree.code_files("engine")
                 if SLEEPS.search(tree.without_comments(tree.read(path)))
                 and not path.startswith(("engine/base/", "engine/sandbox/", "engine/cli/"))]
        self.assert_none(wrong)

    def test_headers_are_guarded_and_sources_include_their_own_header_first(self):
        wrong = []
        for path in tree.code_files("engine", "tests"):
            if path.endswith(".h"):
                if "#pragma once" not in tree.read(path):
                    wrong.append(f"{path}: no #pragma once")
                continue
            own = path[:-3] + ".h"
            found = [included for _, _, included in tree.includes(path)]
            if own in tree.tracked("engine", "tests") and found and found[0] != own:
                wrong.append(f"{path}: its own header {own} is not the first include")
        self.assert_none(wrong)

    def test_no_note_to_self_is_left(self):
        wrong = []
        for path in tree.code_files("engine", "tests") + tree.tracked("*.sh", "*.py", "*.md", "*.cmake", "*.txt"):
            if path == "tests/house/source_rules_test.py":
                continue
            for number, line in enumerate(tree.read(path).splitlines(), 1):
                if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                    wrong.append(f"{path}:{number}: {line.strip()}")
        self.assert_none(wrong)

    def test_files_and_functions_stay_small(self):
        wrong = []
        for path in tree.code_files("engine", "tests"):
            text = tree.read(path)
            if text.count("\n") > FILE_LINES:
                wrong.append(f"{path}: {text.count(chr(10))} lines; part it, at most {FILE_LINES} are easy to read")
            for line, length, head in functions(tree.without_comments(text)):
                if length > FUNCTION_LINES:
                    wrong.append(f"{path}:{line}: {length} lines; part it, at most {FUNCTION_LINES}: {head}")
        self.assert_none(wrong)

    def test_every_source_file_is_built(self):
        """A .cc that no CMake list names is dead."""
        lists = "\n".join(tree.read(p) for p in tree.tracked("*CMakeLists.txt", "*.cmake"))
        globbed = "tests/fuzz/"  # takes every *_fuzz.cc
        dead = [p for p in tree.code_files("engine", "tests") if p.endswith(".cc") and not p.startswith(globbed)
                and not re.search(r"(^|[\s/(\"])" + re.escape(p.rsplit("/", 1)[1]) + r"($|[\s)\"])", lists, re.MULTILINE)]
        self.assert_none(dead)

    def test_sources_that_are_compiled_alone_exist(self):
        listed = [l for l in tree.read("cmake/compiled_alone.txt").splitlines() if not l.startswith("#")]
        self.assert_none(sorted(set(listed) - set(tree.code_files("engine", "tests"))))

    def test_shell_scripts_parse(self):
        wrong = []
        for path in tree.tracked("*.sh", ".ci/run"):
            checked = subprocess.run(["bash", "-n", path], cwd=tree.ROOT, capture_output=True, text=True)
            if checked.returncode != 0:
                wrong.append(checked.stderr.strip())
        self.assert_none(wrong)

    def test_debian_packages_of_the_build_are_in_the_install_list(self):
        text = tree.read("tests/install.sh")
        needed = {  # what find_package and pkg_check_modules ask for -> the package that brings it
            "OpenSSL": "libssl-dev", "CURL": "libcurl4-openssl-dev", "spdlog": "libspdlog-dev",
            "nlohmann_json": "nlohmann-json3-dev", "yaml-cpp": "libyaml-cpp-dev", "Boost": "libboost1.81-dev",
            "libgit2": "libgit2-dev", "yaml-0.1": "libyaml-dev", "re2": "libre2-dev", "Catch2": "catch2",
            "CLI11": "libcli11-dev", "date": "libhowardhinnant-date-dev", "simdjson": "libsimdjson-dev",
            "PkgConfig": "pkg-config", "Threads": "g++", "tl-expected": "libexpected-dev",
        }
        asked = set()
        for path in tree.tracked("*CMakeLists.txt", "*.cmake"):
            asked |= set(re.findall(r"find_package\((\S+?)[\s)]", tree.read(path)))
            asked |= set(re.findall(r"pkg_check_modules\(.*?IMPORTED_TARGET\s+(\S+?)[\s)]", tree.read(path)))
        self.assertEqual(asked - set(needed), set(), "say here which Debian package brings it")
        words = set(re.split(r"\s+", text))
        self.assertEqual({needed[a] for a in asked} - words, set())


if __name__ == "__main__":
    unittest.main()
