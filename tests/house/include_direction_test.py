"""Modules include lower ranks only, and third-party headers stay where they belong."""

import unittest

import tree


def may_include(module, other):
    if other == module or other in tree.EXTRA.get(module, ()):
        return True
    if module in tree.ONLY:
        return other in tree.ONLY[module]
    if tree.RANKS[other] >= tree.RANKS[module]:
        return False
    # Only the place where real things are built may name a concrete target or the sandbox.
    return module == "cli" or other not in ("sandbox", "targets/kubernetes", "targets/ecs")


class IncludeDirection(tree.Case):
    def test_every_file_of_the_engine_belongs_to_a_module_with_a_rank(self):
        lost = [p for p in tree.code_files() if tree.module_of(p) is None]
        self.assert_none(lost, "give the module a rank in tests/house/tree.py and docs/architecture.md")

    def test_a_module_includes_only_lower_ranks_and_itself(self):
        wrong = []
        for path in tree.code_files():
            module = tree.module_of(path)
            for line, quoted, included in tree.includes(path):
                if not included.startswith("engine/"):
                    if quoted:
                        wrong.append(f'{path}:{line}: "{included}" is not named from the root of the repository')
                    continue
                other = tree.module_of(included)
                if other is None:
                    wrong.append(f"{path}:{line}: {included} belongs to no module")
                elif not may_include(module, other):
                    wrong.append(f"{path}:{line}: {module} (rank {tree.RANKS[module]}) must not include "
                                 f"{other} (rank {tree.RANKS[other]})")
        self.assert_none(wrong)

    def test_included_files_of_the_engine_exist(self):
        known = set(tree.tracked("engine", "tests"))
        missing = [f"{path}:{line}: {included}" for path in tree.code_files("engine", "tests")
                   for line, _, included in tree.includes(path)
                   if included.startswith(("engine/", "tests/")) and included not in known]
        self.assert_none(missing)

    def test_third_party_headers_are_included_only_by_their_module(self):
        wrong = []
        for path in tree.code_files():
            module = tree.module_of(path)
            for line, _, included in tree.includes(path):
                for pattern, allowed in tree.THIRD_PARTY:
                    if pattern.match(included) and module not in allowed:
                        wrong.append(f"{path}:{line}: <{included}> belongs to {', '.join(sorted(allowed))}")
        self.assert_none(wrong)

    def test_a_header_that_other_modules_include_brings_no_heavy_third_party_header(self):
        """A private header (included by its own module only) may name a library's handle types."""
        shared = {included for path in tree.code_files("engine", "tests") for _, _, included in tree.includes(path)
                  if included.startswith("engine/") and tree.module_of(included) != tree.module_of(path)}
        wrong = []
        for path in shared & set(tree.code_files()):
            for line, _, included in tree.includes(path):
                if any(p.match(included) for p, _ in tree.THIRD_PARTY):
                    wrong.append(f"{path}:{line}: <{included}>")
        self.assert_none(wrong)

    def test_the_ranks_in_the_architecture_document_are_these(self):
        text = tree.read("docs/architecture.md")
        table = {}
        for line in text.splitlines():
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            if len(cells) >= 2 and cells[0].isdigit():
                for name in cells[1].replace("`", "").split():
                    table[name.rstrip("/,")] = int(cells[0])
        present = {tree.module_of(p) for p in tree.code_files()} - {None}
        self.assertEqual({m: table.get(m) for m in sorted(present)}, {m: tree.RANKS[m] for m in sorted(present)})


if __name__ == "__main__":
    unittest.main()
