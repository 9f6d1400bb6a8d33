"""The demo: einspace on handwritten digits, evolution beside random search of the same budget.

Evolution starts from one small convolutional network, as the einspace paper starts it from a ResNet. Each
search has a process of its own and writes every evaluation to its run folder: stop this and start it again,
and it goes on.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import einspec
from einspec.search import ProgressBar, SearchResult, draw_progress, evolution, load_task, random_search, save_best

SEED_NETWORK = """
    seq(route(im2col(3,1,1), linear(16), col2im), seq(norm, seq(relu,
    seq(route(im2col(3,2,1), linear(32), col2im), seq(norm, relu)))))
"""


def search(strategy: str, out: Path, budget: int, progress=None) -> SearchResult:
    """One search in its run folder."""
    task = load_task("digits")
    space = einspec.load("einspace", input=task.input, limits=einspec.Limits(**task.limits))
    options = {"budget": budget, "out": out, "where": task.fits, "progress": progress}
    if strategy == "random":
        return random_search(space, task, seed=0, **options)
    seeds = [space.parse(SEED_NETWORK)]
    return evolution(space, task, seed=0, seeds=seeds, population=20, tournament=5, **options)


def report(name: str, result: SearchResult) -> None:
    """The best three architectures of a search."""
    print(f"\n{name}: {len(result.evaluations)} evaluations, {len(result.failures)} failures, "
          f"{result.duplicates} duplicates avoided")  # fmt: skip
    for one in result.evaluations[:3]:
        if one.score is not None:
            print(
                f"  validation {one.score:.4f}  test {one.metrics['test accuracy']:.4f}  {one.arch.params:,} parameters"
            )
            print(f"    {one.arch}")


def main() -> None:
    """Both searches, their best architectures, the picture and the best model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=int, default=160, help="evaluations of each search (default 160)")
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="the folder (default runs/demo)")
    args = parser.parse_args()

    with ProcessPoolExecutor(1, get_context("spawn")) as other, ProgressBar() as bar:
        waiting = other.submit(search, "random", args.out / "random", args.budget)
        evolved = search("evolution", args.out / "evolution", args.budget, bar)
        drawn = waiting.result()

    report("evolution", evolved)
    report("random search", drawn)
    if evolved.best is None:
        raise SystemExit("no evaluation gave a score")
    model, _ = load_task("digits").fit(evolved.best.arch)
    files = save_best(args.out, evolved.best.arch, model)
    runs = {"evolution": evolved.evaluations, "random search": drawn.evaluations}
    files.append(draw_progress(args.out / "progress.svg", runs, score="validation accuracy"))
    print(f"\nwrote {', '.join(map(str, files))}")


if __name__ == "__main__":
    main()
