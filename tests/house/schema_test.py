"""The JSON Schemas are schemas, and every file of ours in environments/ and examples/ keeps to its kind's one.

An independent judge of the same files is `sluice validate`; the two must agree on what is valid.
"""

import json
import unittest

import jsonschema
import yaml

import tree


class Loader(yaml.SafeLoader):
    """Plain scalars as YAML 1.2's core schema has them, near enough for these files: dates stay text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def schemas():
    return {p: json.loads(tree.read(p)) for p in tree.tracked("manifests-schema") if p.endswith(".json")}


def kind_of(schema):
    kind = schema.get("properties", {}).get("kind", {})
    return kind.get("const") or next(iter(kind.get("enum", [])), None)


class Schemas(tree.Case):
    def test_each_schema_is_one(self):
        for path, schema in schemas().items():
            with self.subTest(path):
                self.assertIn("$schema", schema)
                jsonschema.validators.validator_for(schema).check_schema(schema)

    def test_every_kind_has_a_schema(self):
        kinds = {kind_of(s) for s in schemas().values()}
        self.assertEqual({"Pipeline", "Environment", "Application", "Release", "Daemon"} - kinds, set())

    def test_files_of_ours_keep_to_their_schema(self):
        by_kind = {kind_of(s): s for s in schemas().values() if kind_of(s)}
        wrong, checked = [], 0
        for path in tree.tracked("environments", "examples"):
            if not path.endswith((".yaml", ".yml")):
                continue
            for document in yaml.load_all(tree.read(path), Loader):
                if not isinstance(document, dict) or document.get("apiVersion") != "sluice.dev/v1":
                    continue
                checked += 1
                schema = by_kind[document["kind"]]
                validator = jsonschema.validators.validator_for(schema)(schema)
                for error in validator.iter_errors(document):
                    wrong.append(f"{path}: {'/'.join(map(str, error.absolute_path))}: {error.message}")
        self.assert_none(wrong)
        self.assertGreater(checked, 0)


if __name__ == "__main__":
    unittest.main()
