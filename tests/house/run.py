"""Runs the house tests.   run.py [--counts FILE]      FILE gets "passed failed skipped"."""

import argparse
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts")
    args = parser.parse_args()
    suite = unittest.defaultTestLoader.discover(str(HERE), pattern="*_test.py")
    unittest.TestCase.maxDiff = None
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    if args.counts:
        # A test with several failing sub-tests is one case.
        names = {str(getattr(t, "test_case", t)) for t, _ in result.failures + result.errors}
        pathlib.Path(args.counts).write_text(f"{max(result.testsRun - len(names) - skipped, 0)} {len(names)} {skipped}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
