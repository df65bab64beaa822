"""cards.py - the cards: each runs its workload and its floor in turn, and answers rows of the table."""
import json
import os
import signal
import time

import peers
from rig import BENCH, WORK, Engine, cpu_us, floor, left_out, median, memory_bytes, program, query, row, row_sizes, run, size, threads_cpu_ns
from rig import timed, wait_for, write

SLOTS = 16384                  # of the agent that ends everything at once: HyperQueue's best was with 2,048


def workflow(name, steps):
    return write(os.path.join(WORK, name + ".yaml"), f"workflow: {{name: {name}}}\nsteps:\n" + "".join(f"  - {{{s}}}\n" for s in steps))


def fan(name, count):
    return workflow(name, [f"name: t, foreach: {{i: {{range: {count}}}}}, command: /bin/true"])


# ---- B1 ---------------------------------------------------------------------------------------------------------------

def spawn():
    n, rounds = size(10000, 2000), size(5, 2)
    wall, loop, own, loop_own = [], [], [], []
    rows = []
    with Engine("b1", 2) as e:
        path = fan("spawn", n)
        e.wall(fan("warm", 100))
        for _ in range(rounds):
            f = floor("spawn", n, 2)
            before = e.cpu_us()
            wall.append(e.wall(path))
            own.append((e.cpu_us() - before) / n)
            after = floor("spawn", n, 2)
            loop.append((f["seconds"] + after["seconds"]) / 2)
            loop_own.append((f["cpu_us"] + after["cpu_us"]) / 2 / n)
    ratio = sum(wall) / sum(loop)
    rows.append(row("B1", f"{n:,} x /bin/true, durable, beside the spawn loop", sum(wall) / rounds, "s", sum(loop) / rounds, ratio,
                    "<= 1.15x, aim 1.07", ratio <= 1.15))
    above = median([a - b for a, b in zip(own, loop_own)])
    rows.append(row("B1", "CPU of engine and agent above the loop's own, per task", above, "us", median(loop_own), None, "<= 80 us", above <= 80))
    return rows + peers.rows(n)


# ---- B2 ---------------------------------------------------------------------------------------------------------------

def control_plane():
    n, rounds = size(500000, 100000), size(5, 3)
    rates, floors, cpu, floor_cpu = [], [], [], []
    for i in range(rounds):
        with Engine(f"b2-{i}", SLOTS, quick=True) as e:
            e.wall(fan("warm", 100))
            before = cpu_us(e.child.pid)
            rates.append(n / e.wall(fan("tasks", n)))
            cpu.append((cpu_us(e.child.pid) - before) / n)
        sizes = row_sizes(e.dir)
        lines = write(os.path.join(WORK, "sizes"), "".join(f"{b}\n" for b in sizes))
        f = floor("commits", os.path.join(WORK, f"b2-floor-{i}.db"), lines)
        floors.append(n / f["seconds"])
        floor_cpu.append(f["cpu_us"] / n)
    rate = median(rates)
    share = median([a / b for a, b in zip(rates, floors)])
    return [
        row("B2", f"{n:,} tasks without a body, durable, submit to end", rate, "tasks/s", None, None, ">= 120,000", rate >= 120000),
        row("B2", f"beside the same {len(sizes)} rows committed by a bare loop", rate, "tasks/s", median(floors), share, ">= 25 %, aim 40 %",
            share >= 0.25),
        row("B2", "CPU of the engine per task", median(cpu), "us", median(floor_cpu), median(cpu) / median(floor_cpu), None, None),
    ]


# ---- B3 ---------------------------------------------------------------------------------------------------------------

def release():
    n, rounds = size(1000, 200), 5
    spawns, commits = [], []
    path = workflow("chain", [f"name: s{i}, command: /bin/true" + (f", after: [s{i - 1}]" if i else "") for i in range(n)])
    with Engine("b3", 2) as e:
        e.wall(fan("warm", 100))
        for i in range(rounds):
            f = floor("chain", n, os.path.join(WORK, f"chain-{i}.db"))
            e.wall(path)
            spawns.append(f["spawn_seconds"] / n * 1e6)
            commits.append(f["commit_seconds"] / n * 1e6)
        e.stop()
        links = [(end - begin) * 1e3 / n for begin, end in query(e.dir, "SELECT started_ms, ended_ms FROM run WHERE name = 'chain' ORDER BY number")]
    bare = [s + c for s, c in zip(spawns, commits)]
    above = median([a - b for a, b in zip(links, bare)])
    return [
        row("B3", f"a link of a chain of {n:,}, beside spawn ({median(spawns):.0f}) + commit ({median(commits):.0f})", median(links), "us",
            median(bare), median(links) / median(bare), None, None),
        row("B3", "above spawn and commit, per link", above, "us", None, None, "<= 60 us, aim 30", above <= 60),
    ]


# ---- B4 ---------------------------------------------------------------------------------------------------------------

def to_first_dispatch(name, path):
    """Seconds from the command that submits to the first start at the agent; bytes the engine grew by."""
    with Engine(name, 2, quick=True, hold=1) as e:
        e.wall(workflow("warm", ["name: t, command: /bin/true"]))
        before, begin = memory_bytes(e.child.pid), time.monotonic()
        e.submit(path)
        took = wait_for("a start", e.held_at) - begin
        time.sleep(0.2)
        return took, memory_bytes(e.child.pid) - before


def played(path, n):
    """Records are touched when their tasks move: memory counts at the peak of a run that is played to its end."""
    with Engine("b4-played", SLOTS, quick=True) as e:
        e.wall(workflow("warm", ["name: t, command: /bin/true"]))
        before = memory_bytes(e.child.pid)
        e.wall(path)
        grew = (memory_bytes(e.child.pid, "VmHWM") - before) / n
    return row("B4", "the same at the peak, when all have run", grew, "B", None, None, "<= 200 B", grew <= 200)


def layered(layers, width):
    steps = []
    for i in range(layers):
        after = ", ".join(f"{{step: l{i - k}, each: true}}" for k in (1, 2, 3) if i >= k)
        fanned = f"foreach: {{i: {{range: {width}}}}}, " if not i else ""
        steps.append(f"name: l{i}, {fanned}command: /bin/true" + (f", after: [{after}]" if after else ""))
    return workflow("layered", steps)


def all_to_all(layers, width):
    return workflow(f"all-{width}", [f"name: l{i}, foreach: {{i: {{range: {width}}}}}, command: /bin/true" + (f", after: [l{i - 1}]" if i else "")
                                     for i in range(layers)])


def scale():
    layers, width, rounds = 100, size(10000, 1000), size(5, 3)
    n = layers * width
    took, floors, grew = [], [], []
    path = layered(layers, width)
    for i in range(rounds):
        floors.append(timed([os.path.join(BENCH, "wf-bench-floor"), "arrays", str(layers), str(width)]))
        t, g = to_first_dispatch(f"b4-{i}", path)
        took.append(t)
        grew.append(g / n)
    ratio = median(took) / median(floors)
    rows = [
        row("B4", f"{n:,} tasks, 3 edges each: file to first dispatch", median(took) * 1e3, "ms", median(floors) * 1e3, ratio, "<= 5x", ratio <= 5),
        row("B4", "memory that the engine grew by until then, per task", median(grew), "B", None, None, None, None),
        played(path, n),
    ]
    widths = size(1000, 250), size(2000, 500)
    times = {w: [] for w in widths}
    for i in range(rounds):
        for w in widths:
            times[w].append(to_first_dispatch(f"b4-all-{w}-{i}", all_to_all(100, w))[0])
    # What disturbs only adds: the best of the rounds shows the growth.
    small, large = (min(times[w]) * 1e3 for w in widths)
    rows.append(row("B4", f"100 layers x {widths[1]:,} all to all, beside 100 x {widths[0]:,}", large, "ms", small, large / small, "O(V): <= 2.3x",
                    large / small <= 2.3))
    return rows


# ---- B5 ---------------------------------------------------------------------------------------------------------------

def recovery():
    n, rounds, slots = size(1000000, 100000), 5, 64
    took, floors = [], []
    with Engine("b5", slots, quick=True, hold=n // 2) as e:
        e.submit(fan("tasks", n))
        wait_for("half of the run", e.held_at)
        time.sleep(0.5)
        for i in range(rounds):
            e.stop(signal.SIGKILL)
            copy = e.copy_database(os.path.join(WORK, f"b5-copy-{i}"))
            seen = len(e.first_starts())
            f = floor("read", copy)
            floors.append(f["seconds"])
            begin = time.monotonic()
            e.launch()
            wait_for("the next start", lambda s=seen: len(e.first_starts()) > s)
            took.append(e.first_starts()[-1] - begin)
            time.sleep(0.2)
    ratio = median([a / b for a, b in zip(took, floors)])
    return [
        row("B5", f"{n:,} tasks, killed half way: restart to next dispatch", median(took) * 1e3, "ms", median(floors) * 1e3, ratio, "<= 3x",
            ratio <= 3),
        row("B5", f"the same ({f['bytes'] / 1e6:.0f} MB read)", median(took), "s", None, None, "<= 0.5 s", median(took) <= 0.5),
    ]


# ---- B6 ---------------------------------------------------------------------------------------------------------------

def durable():
    tasks, rounds, batch = size(100000, 25000), size(12, 5), 1000
    rates, floors, wide, per_commit, cpu, floor_cpu = [], [], [], [], [], []
    packed = write(os.path.join(WORK, "packed"), f"{batch * 40}\n" * (tasks * 4 // batch))
    for i in range(rounds):
        folder = os.path.join(WORK, f"b6-{i}")
        p = program("post", folder, tasks, batch)
        same = write(os.path.join(WORK, "sizes"), "".join(f"{n}\n" for n in row_sizes(folder)))
        f = floor("commits", os.path.join(WORK, f"b6-same-{i}.db"), same)
        w = floor("commits", os.path.join(WORK, f"b6-wide-{i}.db"), packed)
        rates.append(p["transitions"] / p["seconds"])
        floors.append(p["transitions"] / f["seconds"])
        wide.append(p["transitions"] / w["seconds"])
        per_commit.append(p["transitions"] / p["commits"])
        cpu.append(p["cpu_us"] / p["transitions"])
        floor_cpu.append(f["cpu_us"] / p["transitions"])
    share = median([a / b for a, b in zip(rates, floors)])
    beside_wide = median([a / b for a, b in zip(rates, wide)])
    return [
        row("B6", f"transitions through post, {median(per_commit):,.0f} a commit, beside the same rows bare", median(rates), "1/s", median(floors),
            share, ">= 30 %, aim 60 %", share >= 0.3),
        row("B6", "the same beside bare rows of 40 B a transition", median(rates), "1/s", median(wide), beside_wide, None, None),
        row("B6", "CPU per transition", median(cpu), "us", median(floor_cpu), median(cpu) / median(floor_cpu), None, None),
    ]


# ---- B10 --------------------------------------------------------------------------------------------------------------

def schedule_quality():
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schedule", "run.sh")
    if not os.path.exists(script):
        left_out.append(("B10", "bench/schedule/run.sh is not there"))
        return []
    out = run(["bash", script]).strip()
    if out.startswith("["):
        return json.loads(out)
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


# ---- idle -------------------------------------------------------------------------------------------------------------

def idle():
    runs, seconds = size(1000, 100), size(20, 5)
    with Engine("idle", 2) as e:
        one = workflow("one", ["name: t, command: /bin/true"])
        for _ in range(runs):
            last = e.submit(one)
        e.wf("wait", last)
        e.submit(workflow("waiting", ["name: t, command: sleep 3600"]))
        time.sleep(2)
        before = threads_cpu_ns(e.child.pid)
        begin = time.monotonic()
        time.sleep(seconds)
        busy = (threads_cpu_ns(e.child.pid) - before) / 1e9 / (time.monotonic() - begin) * 100
        rss = memory_bytes(e.child.pid) / 2**20
        e.wf("cancel", "@last")
    return [
        row("Idle", f"CPU with {runs:,} finished runs and a waiting one", busy, "%", None, None, "< 0.1 %", busy < 0.1),
        row("Idle", "resident memory", rss, "MiB", None, None, "< 20 MiB", rss < 20),
    ]


CARDS = {"B1": spawn, "B2": control_plane, "B3": release, "B4": scale, "B5": recovery, "B6": durable, "B10": schedule_quality, "Idle": idle}
