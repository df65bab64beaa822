#!/usr/bin/env python3
"""bench.py - every speed card beside a floor measured in the same run; prints a table, writes $B/bench.json.

Settings by environment: B, the build directory; CARD=B1,B4 runs those alone; QUICK=1 takes small sizes; BENCH_DIR, another place for
state directories than $B/bench/w (the file system decides what a commit costs; the folder is emptied). Floor and figure alternate, so that
what else the machine does hits both; a ratio is of medians, or of sums where one round is long.
"""
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cards  # noqa: E402
import rig  # noqa: E402

COLUMNS = ("card", "what", "figure", "floor", "ratio", "target", "")


def number(v):
    if v is None:
        return "-"
    if v >= 1000:
        return f"{v:,.0f}"
    return f"{v:.3g}" if v < 10 else f"{v:.1f}"


def cells(row):
    ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
    met = {True: "met", False: "MISSED", None: ""}[row["met"]]
    unit = " " + row["unit"]
    return (row["card"], row["name"], number(row["value"]) + unit,
            "-" if row["floor"] is None else number(row["floor"]) + unit, ratio, row["target"] or "", met)


def show(rows):
    lines = [COLUMNS] + [cells(r) for r in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    for line in lines:
        print("  ".join(text.ljust(w) for text, w in zip(line, widths)).rstrip())


def main():
    wanted = [c for c in os.environ.get("CARD", "").replace(",", " ").split()] or list(cards.CARDS)
    unknown = [c for c in wanted if c not in cards.CARDS]
    if unknown:
        sys.exit(f"no card '{unknown[0]}'; there are {', '.join(cards.CARDS)}")
    rows = []
    if rig.QUICK:
        print("QUICK=1: small sizes, so fixed costs weigh more than they should")
    for card in wanted:
        shutil.rmtree(rig.WORK, ignore_errors=True)
        os.makedirs(rig.WORK)
        try:
            new = cards.CARDS[card]()
        except rig.Failed as why:
            new = [rig.row(card, f"could not be measured: {why}", None, "", None, None, None, False)]
        rows += new
        print()
        show(new)
        sys.stdout.flush()
    shutil.rmtree(rig.WORK, ignore_errors=True)
    path = os.path.join(rig.B, "bench.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(rows, f, indent=1)
        f.write("\n")
    print(f"\n{sum(r['met'] is True for r in rows)} targets met, {sum(r['met'] is False for r in rows)} missed; {path}")
    for name, why in rig.left_out:
        print(f"left out: {name} ({why})")


main()
