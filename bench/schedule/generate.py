#!/usr/bin/env python3
"""Seeded traces from the recipes of WfCommons (each learned from real runs of that workflow).

    generate.py DIR SIZE...       writes DIR/<recipe>-<size>.json, WfFormat 1.6; a size that a recipe cannot make is left out and said

The names of files and tasks are made up by the generator; the graph, the runtimes and the sizes follow from the seed.
"""
import pathlib
import random
import sys

import numpy
from wfcommons import WorkflowGenerator
from wfcommons.wfchef import recipes


def main(argv):
    out = pathlib.Path(argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name in sorted(n for n in dir(recipes) if n.endswith("Recipe")):
        for size in map(int, argv[2:]):
            seed = sum(map(ord, name)) * 1000 + size
            random.seed(seed)
            numpy.random.seed(seed)
            try:
                recipe = getattr(recipes, name).from_num_tasks(size)
                workflow = WorkflowGenerator(recipe).build_workflow(name)
            except ValueError as e:
                print(f"left out: {name} with {size} tasks: {e}", file=sys.stderr)
                continue
            workflow.write_json(out / f"{name.removesuffix('Recipe').lower()}-{size}.json")


if __name__ == "__main__":
    main(sys.argv)
