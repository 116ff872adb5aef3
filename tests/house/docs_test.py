"""Documents stay true: links resolve, every reason name is explained."""

import re
import unittest

import tree

LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CAMEL = r"[A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+"

# Where the code gives a reason its name.
REASON_PLACES = [
    re.compile(r'ErrorCode::k\w+\s*,\s*"(' + CAMEL + r')"\s*,'),
    re.compile(r'WithReason\(\s*"(' + CAMEL + r')"'),
    re.compile(r'\breason\s*=\s*"(' + CAMEL + r')"'),
    re.compile(r'Reason\w*\s*(?:=|\{)\s*"(' + CAMEL + r')"'),
    re.compile(r'PlanBlocker\s*\{\s*"(' + CAMEL + r')"'),
    re.compile(r'blockers\.(?:push_back|emplace_back)\(\s*\{?\s*"(' + CAMEL + r')"'),
    re.compile(r'(?:Hold|Held|Freeze|Hold\w+)\(\s*"(' + CAMEL + r')"'),
]
# Folders whose CamelCase words are Kubernetes' own, not ours.
FOREIGN = ("engine/sandbox/",)
# Reasons that Kubernetes gives and a diagnosis passes on: explained together in reasons.md, not one by one.
FOREIGN_REASONS = re.compile(r"engine/targets/kubernetes/(health|diagnos)")


def anchors(path):
    """GitHub's anchors of a document's headings, and explicit ids."""
    text = FENCE.sub("", tree.read(path))
    found = set(re.findall(r'<a\s+(?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", text, re.MULTILINE):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = 0
        unique = slug
        while unique in found:
            number += 1
            unique = f"{slug}-{number}"
        found.add(unique)
    return found


def reasons_in_the_code():
    found = {}
    for path in tree.code_files("engine"):
        if path.startswith(FOREIGN) or FOREIGN_REASONS.match(path):
            continue
        text = tree.without_comments(tree.read(path))
        for place in REASON_PLACES:
            for match in place.finditer(text):
                found.setdefault(match.group(1), f"{path}:{text.count(chr(10), 0, match.start()) + 1}")
    return found


class Docs(tree.Case):
    def test_links_between_documents_resolve(self):
        broken = []
        for path in tree.tracked("*.md"):
            text = FENCE.sub("", tree.read(path))
            for target in LINK.findall(text):
                if re.match(r"[a-z]+:", target):
                    continue
                file, _, anchor = target.partition("#")
                other = path if not file else str(((tree.ROOT / path).parent / file).resolve().relative_to(tree.ROOT))
                if not (tree.ROOT / other).exists():
                    broken.append(f"{path}: {target}: there is no {other}")
                elif anchor and other.endswith(".md") and anchor.lower() not in {a.lower() for a in anchors(other)}:
                    broken.append(f"{path}: {target}: {other} has no heading for #{anchor}")
        self.assert_none(broken)

    def test_every_reason_is_explained(self):
        explained = {a.lower() for a in anchors("docs/reference/reasons.md")}
        missing = [f"{place}: {reason}" for reason, place in sorted(reasons_in_the_code().items())
                   if reason.lower() not in explained]
        self.assert_none(missing, "each needs a heading in docs/reference/reasons.md: meaning, cause, next move")

    def test_every_explained_reason_exists(self):
        text = FENCE.sub("", tree.read("docs/reference/reasons.md"))
        code = "\n".join(tree.read(p) for p in tree.code_files("engine"))
        gone = [name for name in re.findall(r"^#{2,4}\s+`?(" + CAMEL + r")`?\s*$", text, re.MULTILINE)
                if f'"{name}"' not in code]
        self.assert_none(gone)

    def test_documents_are_reachable_from_the_readme(self):
        """Somebody who starts at README.md can find every document by following links."""
        documents = set(tree.tracked("docs/*.md", "docs/**/*.md", "README.md"))
        seen, waiting = set(), ["README.md"]
        while waiting:
            path = waiting.pop()
            if path in seen or path not in documents:
                continue
            seen.add(path)
            for target in LINK.findall(FENCE.sub("", tree.read(path))):
                if re.match(r"[a-z]+:", target) or not target.partition("#")[0]:
                    continue
                other = ((tree.ROOT / path).parent / target.partition("#")[0]).resolve()
                if other.is_relative_to(tree.ROOT):
                    waiting.append(str(other.relative_to(tree.ROOT)))
        self.assert_none(sorted(documents - seen))


if __name__ == "__main__":
    unittest.main()
