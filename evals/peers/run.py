"""Weir, a Kafka Streams job and a Python consumer side by side on one broker; see README.md.

`scripts/peers` installs what this needs and calls it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench.cluster import Cluster
from bench.measure import Plan, measure
from bench.report import Progress, header, print_table
from bench.subject import ROOT, Tools
from bench.texts import write_rules

NOT_THE_SAME = 3
EXAMPLES = """examples:
  scripts/peers run --quick                      a first look, some minutes
  scripts/peers run --json evals/reports/peers.json
  scripts/peers run --brokers localhost:9092

exit status: 0 measured, 1 something failed, 2 wrong use, 3 the three do not find the same"""


def main() -> int:
    """Reads the command line, compares, measures, prints."""
    args = _arguments()
    if not args.weir.is_file():
        print(f"peers: {args.weir} is missing: make build, or say --weir", file=sys.stderr)
        return 1
    # Holds the programs' logs: it stays when something fails.
    folder = Path(tempfile.mkdtemp(prefix="weir-peers-"))
    policies, settings = write_rules(folder)
    tools = Tools(args.weir, args.jars, policies, settings, ROOT / "models/fast", folder)
    plan = Plan.quick() if args.quick else Plan.of(args.records, args.rounds, args.rates)
    progress = Progress()
    cluster = Cluster(args.brokers)
    try:
        report = header(tools, args.broker_note) | measure(tools, cluster, plan, progress)
    finally:
        progress.done()
        cluster.delete_all()
    if report["fixture"]["differences"]:
        print("peers: the three do not find the same:", file=sys.stderr)
        for difference in report["fixture"]["differences"]:
            print(f"  {difference}", file=sys.stderr)
        return NOT_THE_SAME
    shutil.rmtree(folder)
    print_table(report)
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/peers run",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--brokers", required=True, help="host:port,... (scripts/peers starts one)")
    parser.add_argument("--jars", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--broker-note", default="", help="what to say of the broker in the report")
    parser.add_argument(
        "--weir", type=Path, default=target / "release/weir", help="the program, built for release"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON, too")
    parser.add_argument("--quick", action="store_true", help="few records, one round: no figures")
    parser.add_argument(
        "--records", type=int, default=100_000, help="counted of a backlog (default 100000)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of all in turn (default 3)")
    parser.add_argument(
        "--rates", type=int, nargs="+", default=[1000, 3000], help="prompts/s (default 1000 3000)"
    )
    args = parser.parse_args()
    if args.records < 1000 or args.rounds < 1 or min(args.rates) < 1:
        parser.error("--records begins at 1000, --rounds and --rates at 1")
    return args


if __name__ == "__main__":
    sys.exit(main())
