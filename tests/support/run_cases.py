"""Runs Catch2 cases that ctest knows, many in one process: starting one for each costs more than most cases take.

  run_cases.py BUILD-DIRECTORY -j N [--counts FILE] [--each] [-- CTEST-FILTER...]

The filters are ctest's (-L, -LE, -R, -E). With --each a case has a process of its own, and so have those of the whole program
(label e2e…) and what is no Catch2 case. A case whose process ends with it, or takes too long, has failed; those that came
after it run in another process. What failed in
company is run once more alone, for its output; it stays failed. Prints the ten slowest cases.
"""

import argparse
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

CASES_A_PROCESS = 40
OPENED = re.compile(r'<TestCase name="([^"]*)"')
CLOSED = re.compile(r'<TestCase name="([^"]*)".*?<OverallResult success="(true|false)" durationInSeconds="([0-9.e+-]+)"', re.S)
ENTITIES = {"&quot;": '"', "&lt;": "<", "&gt;": ">", "&amp;": "&"}


class Case:
    def __init__(self, test):
        properties = {p["name"]: p["value"] for p in test["properties"]}
        self.name = test["name"]
        self.command = test.get("command", [])
        self.directory = properties.get("WORKING_DIRECTORY", ".")
        self.timeout = float(properties.get("TIMEOUT", 600))
        self.environment = dict(word.split("=", 1) for word in properties.get("ENVIRONMENT", []))
        is_catch = len(self.command) == 2 and self.name.startswith(os.path.basename(self.command[0]) + ":")
        is_whole_program = any(label.startswith("e2e") for label in properties.get("LABELS", []))
        self.may_share = is_catch and not is_whole_program

    def title(self):
        """As Catch2 reports it; in the command commas and the like are escaped."""
        return self.name.split(":", 1)[1].strip()


class Result:
    def __init__(self, case, passed, seconds, output=""):
        self.case, self.passed, self.seconds, self.output = case, passed, seconds, output


def listed(build, filters):
    text = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1", *filters], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return [Case(test) for test in json.loads(text)["tests"]]


def chunks(cases, is_each):
    """Lists of cases of one program each; the programs with most cases first."""
    by_program, alone = {}, []
    for case in cases:
        if case.may_share and not is_each:
            by_program.setdefault((case.command[0], tuple(case.environment.items())), []).append(case)
        else:
            alone.append([case])
    out = []
    for group in sorted(by_program.values(), key=len, reverse=True):
        out += [group[at:at + CASES_A_PROCESS] for at in range(0, len(group), CASES_A_PROCESS)]
    return out + alone


def run_process(command, case, timeout, report=None):
    """(exit code, output, seconds); code None: it took too long, for one case: `report` grows with each. Its children end with it."""
    begin = moved = time.monotonic()
    size = 0
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(command, cwd=case.directory, env={**os.environ, **case.environment},
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        code = None
        while code is None and time.monotonic() - moved < timeout:
            try:
                code = process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                if report and os.path.getsize(report) != size:
                    size, moved = os.path.getsize(report), time.monotonic()
        if code is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return code, output.read(), time.monotonic() - begin


def run_alone(case):
    code, output, seconds = run_process(case.command, case, case.timeout)
    if code is None:
        output += f"\nnot ended after {case.timeout:.0f} s"
    return Result(case, code == 0, seconds, output)


def plain(text):
    for entity, char in ENTITIES.items():
        text = text.replace(entity, char)
    return text


def run_together(cases):
    """Results in any order. Goes on in another process behind a case that ended its process."""
    results = []
    while cases:
        with tempfile.NamedTemporaryFile("r", suffix=".xml", errors="replace") as report:
            command = [cases[0].command[0], ",".join(case.command[1] for case in cases), "-r", "xml", "-d", "yes", "-o", report.name]
            code, output, _ = run_process(command, cases[0], max(case.timeout for case in cases), report.name)
            text = report.read()
        ended = {plain(name): (success == "true", float(seconds)) for name, success, seconds in CLOSED.findall(text)}
        begun = {plain(name) for name in OPENED.findall(text)}
        left = []
        for case in cases:
            if case.title() in ended:
                results.append(Result(case, *ended[case.title()]))
            elif case.title() in begun:
                results.append(Result(case, False, 0, output))
            else:
                left.append(case)
        if code == 0 and all(result.passed for result in results) and not left:
            break
        if len(left) == len(cases):  # nothing was begun: the program itself cannot be run, or takes other names
            return results + [run_alone(case) for case in left]
        if not left and code not in (0, None) and all(r.passed for r in results):
            # All passed, and the process did not end well: a sanitizer that speaks at exit.
            return [Result(case, False, 0, output) for case in cases]
        cases = left
    return results


def run_chunk(cases):
    if len(cases) == 1:
        return [run_alone(cases[0])]
    results = run_together(cases)
    for result in results:
        if not result.passed and not result.output:
            again = run_alone(result.case)
            result.output = again.output + ("\n(passed when it was run alone)" if again.passed else "")
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("-j", type=int, default=os.cpu_count())
    parser.add_argument("--counts")
    parser.add_argument("--each", action="store_true")
    at = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options = parser.parse_args(sys.argv[1:at])
    cases = listed(options.build, sys.argv[at + 1:])
    if not cases:
        sys.exit("there is no such case")
    results = []
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        for future in concurrent.futures.as_completed(pool.submit(run_chunk, c) for c in chunks(cases, options.each)):
            for result in future.result():
                results.append(result)
                word = "ok" if result.passed else "FAILED"
                print(f"{len(results)}/{len(cases)} {word} {result.case.name} ({result.seconds:.1f} s)", flush=True)
                if not result.passed:
                    print(result.output, flush=True)
    failed = sorted(result.case.name for result in results if not result.passed)
    print("the slowest:")
    for result in sorted(results, key=lambda r: -r.seconds)[:10]:
        print(f"  {result.seconds:7.1f} s  {result.case.name}")
    for name in failed:
        print(f"FAILED: {name}")
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed of {len(cases)}")
    if options.counts:
        with open(options.counts, "w", encoding="utf-8") as file:
            file.write(f"{len(results) - len(failed)} {len(cases) - len(results) + len(failed)} 0\n")
    sys.exit(1 if failed or len(results) != len(cases) else 0)


if __name__ == "__main__":
    main()
