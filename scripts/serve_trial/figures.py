"""Time to the first sound, and real-time factors: seconds of waiting for a second of sound, of 1, 4 and 16 streams at a time."""
import http.client, json, os, statistics, subprocess, sys, threading, time
from .fish_client import fields, recording
from .load import TEXT
from .server import Server

STREAMS = (1, 4, 16)


class Stream(threading.Thread):
    """Seconds to the first byte of sound and to the last, and seconds of sound."""
    def __init__(self, server, body):
        super().__init__()
        self.server, self.body, self.told = server, body, None

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=600)
        begun = time.monotonic()
        connection.request("POST", "/v1/tts", json.dumps(self.body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read(45)                  # the head of the wav file, and a byte of sound
        first = time.monotonic() - begun
        sound = len(answer.read()) + 1
        if answer.status == 200: self.told = first, time.monotonic() - begun, sound / 2 / self.server.rate
        connection.close()


def together(server, count, body):
    """The figures of `count` streams that begin at the same time."""
    streams = [Stream(server, {**body, "seed": i}) for i in range(count)]
    begun = time.monotonic()
    for stream in streams: stream.start()
    for stream in streams: stream.join()
    lasted = time.monotonic() - begun
    told = [stream.told for stream in streams if stream.told]
    if len(told) != count: raise RuntimeError(f"{count - len(told)} of {count} streams were not answered: {server.said()[-500:]}")
    sound = sum(seconds for *_, seconds in told)
    return {"first_sound_seconds": round(statistics.median(first for first, *_ in told), 3),
            "real_time_factor": round(statistics.median(last / seconds for _, last, seconds in told), 3),
            "real_time_factor_of_all_together": round(lasted / sound, 3)}


def table(flags, prefix, counts, bodies, repeats=3):
    """Rows `PREFIX, N streams` for each of `bodies` by name: the medians of `repeats` runs after one that warms up."""
    rows = {}
    with Server(flags) as server:
        head = server.ask("/v1/tts", {**next(iter(bodies.values())), "streaming": False, "max_new_tokens": 8})[2]
        server.rate = int.from_bytes(head[24:28], "little")
        for name, body in bodies.items():
            for count in counts:
                runs = [together(server, count, body) for _ in range(repeats)]
                rows[f"{prefix}{name}, {count} stream{'s' if count > 1 else ''}"] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        rows[prefix + " memory in MB"] = round(server.resident() / 1e6)
    return rows


def make_true_size():
    """Random weights of the size of 1.4 with its codec, as `opah run bench` makes them; kept for the next time."""
    folder = os.path.join(Server.folder, "models")
    for name in ("bfloat16", "codec"):
        if not os.path.exists(os.path.join(folder, name)):
            subprocess.run([Server.program, "run", "bench", "--make", name, "--folder", folder], check=True, stdout=sys.stderr,
                           env={**os.environ, "OPAH_HOME": Server.home})
    return ["--checkpoint-path", os.path.join(folder, "bfloat16"), "--vq-checkpoint-path", os.path.join(folder, "codec", "codec.pth"), "--weights", "int8"]


def measure(flags, true_size):
    body = fields(None, text=TEXT, streaming=True)
    rows = table(flags, "the voice" if flags != ["--embedded"] else "embedded voice", STREAMS, {"": body})
    if true_size:
        import base64
        sound, label = recording()
        # 86 frames are four seconds; random weights do not end by themselves.
        body["max_new_tokens"] = 86
        bodies = {"": body, ", inline reference of 2.4 s": {**body, "references": [{"audio": base64.b64encode(sound).decode(), "text": label}]}}
        rows.update(table(make_true_size(), "size of 1.4, int8", (1,), bodies, repeats=2))
    return rows
