"""The side that is measured, in Python: answers the questions of harness/side.ts on stdin with lines on stdout."""
import json
import sys
import time

SPEC = json.loads(sys.argv[1])


def serve(check, step, about):
    for line in sys.stdin:
        question = json.loads(line)
        if question["ask"] == "check":
            answer = {"numbers": check(), "about": about}
        else:
            answer = measured(step, question["ms"])
        print(json.dumps(answer), flush=True)


def measured(step, limit):
    steps, ms = 0, 0.0
    cpu, start = time.process_time(), time.perf_counter()
    while True:
        step()
        steps += 1
        ms = (time.perf_counter() - start) * 1000
        if ms >= limit:
            break
    return {"steps": steps, "ms": ms, "cpuMs": (time.process_time() - cpu) * 1000}
