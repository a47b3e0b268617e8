# What the Python peers share: options, the loop of one task a line, and timing.
import json
import sys
import time


def options():
    return json.loads(sys.argv[1])


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def fastest(candidates, work):
    """The candidate with which `work(candidate)` is fastest, each run twice and the better run counted."""
    return min(candidates, key=lambda candidate: min(timed(lambda: work(candidate)) for _ in range(2)))


def serve(about, tasks):
    """Says it is ready, then does the task named on each line and answers with its seconds."""
    print(json.dumps({"about": about}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        work = tasks[request.pop("task")]
        print(json.dumps({"seconds": timed(lambda: work(**request))}), flush=True)
