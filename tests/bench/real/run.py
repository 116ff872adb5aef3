#!/usr/bin/env python3
"""What sluice costs on a real control plane, with the account of examples/rbac/.

  run.py --sluice BIN --plane DIR [--kubectl BIN] [--work NAME,...] [--sizes WORK=N,N...]... [--times N] [--json FILE] [--svg FILE]
  run.py --from FILE [--svg FILE]      the table and graph of a run that --json kept

The plane is one of tests/real/kubernetes/controlplane.sh. Counts do not depend on the machine; seconds do, and nothing is
asserted about them: compare what stands in one line. --json adds to what the file holds, line by line, as soon as a line is there.
"""

import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "chaos"))
from measure import Bench  # noqa: E402
from plane import Plane  # noqa: E402
from report import Graph, table  # noqa: E402

SIZES = {"maps": [100, 1000, 10000], "units": [10, 50, 200, 1000], "slow": [100], "quiet": [1000], "one": [1000],
         "drift": [1000], "hang": [8]}


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("sluice", "plane", "json", "svg", "from", "work"):
        parser.add_argument("--" + name)
    parser.add_argument("--kubectl", help="where it is not, its part is left out")
    parser.add_argument("--sizes", action="append", default=[], metavar="WORK=N,N", help=f"default: {SIZES}")
    parser.add_argument("--times", type=int, default=3, help="of each the best is taken")
    options = parser.parse_args(arguments)
    options.source = getattr(options, "from")
    if not options.source and not (options.sluice and options.plane):
        parser.error("--sluice and --plane, or --from")
    options.sizes = {**SIZES, **{work: [int(n) for n in sizes.split(",")] for work, _, sizes in
                                 (given.partition("=") for given in options.sizes)}}
    options.works = options.work.split(",") if options.work else list(SIZES)
    return options


def read(path):
    if not path or not os.path.exists(path):
        return []
    with open(path) as file:
        return json.load(file)


def write(path, rows):
    with open(path + ".new", "w") as file:
        json.dump(rows, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)


def measure(options):
    bench = Bench(Plane(options.plane), options)
    rows = read(options.json)
    for work in options.works:
        for size in options.sizes[work]:
            start = time.monotonic()
            row = {**getattr(bench, work)(size).plain(), "load": round(os.getloadavg()[0], 1)}
            print(f"{work} {size}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
            rows = [old for old in rows if (old["work"], old["size"]) != (work, size)] + [row]
            if options.json:
                write(options.json, rows)
    return rows


def main():
    options = options_of(sys.argv[1:])
    rows = read(options.source) if options.source else measure(options)
    rows.sort(key=lambda row: (list(SIZES).index(row["work"]), row["size"]))
    print(table(rows))
    if options.svg:
        with open(options.svg, "w") as file:
            file.write(Graph(rows).svg())


if __name__ == "__main__":
    main()
