"""Prints "passed failed skipped" of a JUnit file that ctest wrote."""

import sys
import xml.etree.ElementTree

passed = failed = skipped = 0
for case in xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
    status = case.get("status")
    if status == "run":
        passed += 1
    elif status in ("notrun", "disabled", "skipped"):
        # A program that could not be run at all is "notrun" too, with a failure in it.
        if case.find("failure") is not None:
            failed += 1
        else:
            skipped += 1
    else:
        failed += 1
print(passed, failed, skipped)
