"""``einspec search``: a search over a space, on a task."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING, Any

from einspec.cli.options import (
    LIMITS,
    Commands,
    add_json,
    add_limits,
    add_space,
    count,
    load_space,
    print_json,
    read_architecture,
)

if TYPE_CHECKING:
    from einspec.search import AbstractTask, SearchResult

_SHOWN = 5


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "search",
        help="search a space on a task",
        description="Evaluates architectures on a task and writes each to OUT as it finishes. The same command "
        "again goes on where a search was stopped; a larger budget goes on from a finished one. Limits that are "
        "not given are the task's.",
    )
    add_space(parser)
    parser.add_argument(
        "--task", metavar="NAME", default="digits", help="what to train on (default, and only one: digits)"
    )
    parser.add_argument("--strategy", choices=("evolution", "random"), default="evolution", help="default: evolution")
    parser.add_argument("--budget", metavar="N", type=count, default=100, help="how many evaluations (default 100)")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the search (default 0)")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="the run folder")
    parser.add_argument("--population", metavar="N", type=count, help="of the evolution (default 40)")
    parser.add_argument("--tournament", metavar="N", type=count, help="of the evolution (default 10)")
    parser.add_argument(
        "--start-from", metavar="ARCH", action="append", default=[], help="evaluate this architecture first; repeatable"
    )
    add_limits(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Searches, then prints the best architectures."""
    from einspec.search import ProgressBar, evolution, load_task, random_search, save_best

    task = load_task(args.task)
    for name in LIMITS:
        if getattr(args, name) is None:
            setattr(args, name, task.limits.get(name))
    space = load_space(args, input=task.input)
    task.check(space)
    options: dict[str, Any] = {
        "budget": args.budget,
        "seed": args.seed,
        "out": args.out,
        "seeds": [read_architecture(space, text) for text in args.start_from],
        "where": task.fits,
    }
    with ProgressBar() as bar:
        if args.strategy == "evolution":
            own = {"population": args.population, "tournament": args.tournament}
            options |= {name: value for name, value in own.items() if value is not None}
            result = evolution(space, task, progress=bar, **options)
        else:
            result = random_search(space, task, progress=bar, **options)
    if result.best is not None:
        save_best(args.out, result.best.arch, task.fit(result.best.arch)[0])
    _print(args, result, task)
    if result.stopped and result.stopped.startswith("interrupted"):
        return 130
    return 0 if result.best is not None else 1


def _print(args: argparse.Namespace, result: SearchResult, task: AbstractTask) -> None:
    best = [one for one in result.evaluations if one.score is not None][:_SHOWN]
    if args.json:
        rows = [{"number": one.number, "score": one.score, **one.metrics, "text": str(one.arch)} for one in best]
        print_json(
            {
                "task": task.name,
                "evaluations": len(result.evaluations),
                "failures": len(result.failures),
                "duplicates": result.duplicates,
                "stopped": result.stopped,
                "best": rows,
                "out": args.out,
            }
        )
        return
    if result.stopped:
        print(result.stopped)
    print(
        f"{len(result.evaluations)} evaluations, {len(result.failures)} failures, "
        f"{result.duplicates} duplicates avoided"
    )
    for one in best:
        metrics = "".join(f"  {name} {value:.4f}" for name, value in one.metrics.items())
        print(f"validation {one.score:.4f}{metrics}  {one.arch}")
    if result.failures:
        error, times = Counter(str(one.error) for one in result.failures).most_common(1)[0]
        print(f"most failures ({times}): {error}")
    files = (
        "run.sqlite, best.pt (weights), best.json and best.arch" if best else "run.sqlite; no evaluation gave a score"
    )
    print(f"in {args.out}: {files}")
