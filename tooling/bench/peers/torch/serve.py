"""The side that is measured, in Python: answers the questions of harness/side.ts on stdin with lines on stdout."""
import json
import statistics
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


REPEAT = 1  # least length in ms, as in serve.ts


def measured(step, limit):
    steps, repeats = 0, []
    cpu, start = time.process_time(), time.perf_counter()
    now = start
    while (now - start) * 1000 < limit:
        before, count = now, 0
        while (now - before) * 1000 < REPEAT:
            step()
            count += 1
            now = time.perf_counter()
        repeats.append((now - before) * 1000 / count)
        steps += count
    all_cpu = (time.process_time() - cpu) * 1000
    return {"ms": statistics.median(repeats), "cpuMs": all_cpu / steps, "allCpuMs": all_cpu}
