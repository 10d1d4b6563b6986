"""What PyTorch makes of the bench's work here: `python measure.py REQUEST` prints a line of JSON.

`opah run bench --against PYTHON` starts it. REQUEST is JSON: `work` is `probe`, or one of lora, generate, prompt,
encode and decode, whose sizes stand beside it; `precision` is float32 or bfloat16; `threads`, `repeats` and `parent`, the bench's
process, with which this one ends. Weights are random. The answer has `values`, seconds or frames per second in the order
they were measured.
"""

import json
import os
import platform
import sys
import threading
import time

# Measuring stops after so many seconds, whatever `repeats` says: what takes so long says the same the second time.
LONG = 60.0


def end_with(parent):
    """This process ends when its parent has: nobody is left to read the answer."""

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def measure(once, repeats):
    """What `once` returns, `repeats` times at most, after a time that only warms up unless it is a long one."""
    began = time.perf_counter()
    first = once()
    if time.perf_counter() - began > LONG:
        return [first]
    began, values = time.perf_counter(), []
    while len(values) < repeats and (not values or time.perf_counter() - began < LONG):
        values.append(once())
    return values


def seconds(work):
    """A function that does the work and returns how long it took."""

    def once():
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return once


def main():
    request = json.loads(sys.argv[1])
    end_with(request["parent"])
    try:
        import torch
    except ImportError as error:
        sys.exit(f"this Python has no torch: {error}")
    torch.set_num_threads(request["threads"])
    torch.manual_seed(1)
    work = request["work"]
    if work == "probe":
        answer = {"torch": torch.__version__, "python": platform.python_version(), "threads": torch.get_num_threads()}
    else:
        if work in ("lora", "generate", "prompt"):
            import language_model as subject
        else:
            import codec as subject
        once = getattr(subject, work)(request)
        answer = {"values": measure(once if work == "generate" else seconds(once), request["repeats"])}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
