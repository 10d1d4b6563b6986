"""Time to the first sound, and real-time factors: seconds of waiting for a second of sound, of 1, 4 and 16 streams at a time. The seconds
that the server's threads worked for it depend least on what else the machine does."""
import base64, http.client, json, os, statistics, subprocess, sys, threading, time
from .fish_client import fields, recording, recording_path
from .load import TEXT
from .server import Server

STREAMS = (1, 4, 16)
FRAMES, LONG = 43, 215                   # two and ten seconds of sound at 44 100 / 2048 frames a second


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
    begun, worked = time.monotonic(), server.processor_seconds()
    for stream in streams: stream.start()
    for stream in streams: stream.join()
    lasted, worked = time.monotonic() - begun, server.processor_seconds() - worked
    told = [stream.told for stream in streams if stream.told]
    if len(told) != count: raise RuntimeError(f"{count - len(told)} of {count} streams were not answered: {server.said()[-500:]}")
    sound = sum(seconds for *_, seconds in told)
    return {"first_sound_seconds": round(statistics.median(first for first, *_ in told), 3),
            "real_time_factor": round(statistics.median(last / seconds for _, last, seconds in told), 3),
            "real_time_factor_of_all_together": round(lasted / sound, 3),
            "processor_seconds_a_second_of_sound": round(worked / sound, 3)}


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
    """Flags of a server with random weights of the size of 1.4 and its codec, as `opah run bench` makes them; kept for the next time.
    Its voice has a reference of 2.9 s and does not end before LONG: random weights end anywhere."""
    folder, environment = os.path.join(Server.folder, "models"), {**os.environ, "OPAH_HOME": Server.home}

    def run(*words): subprocess.run([Server.program, "run", *words], check=True, stdout=sys.stderr, env=environment)
    for name in ("bfloat16-words", "codec"):
        if not os.path.exists(os.path.join(folder, name)): run("bench", "--make", name, "--folder", folder)
    model, codec, voices = os.path.join(folder, "bfloat16-words"), os.path.join(folder, "codec", "codec.pth"), os.path.join(folder, "voices")
    run("voice", "pack", "Random", "--model", model, "--vq-checkpoint-path", codec, "--reference", recording_path(), "--min-frames", str(LONG),
        "--output", voices, "--overwrite")
    return ["--voice", os.path.join(voices, "Random.voice"), "--checkpoint-path", model, "--vq-checkpoint-path", codec]


def measure(flags, true_size):
    body = fields(None, text=TEXT, streaming=True)
    rows = table(flags, "the voice" if flags != ["--embedded"] else "embedded voice", STREAMS, {"": body})
    if true_size:
        sound, label = recording()
        body["max_new_tokens"] = FRAMES
        bodies = {"": body, ", ten seconds": {**body, "max_new_tokens": LONG}, ", reference in the request": {**body, "references": [{"audio": base64.b64encode(sound).decode(), "text": label}]}}
        flags = make_true_size()
        for weights in ("int8", "int4"):
            rows.update(table(flags + ["--weights", weights], f"size of 1.4, {weights}, a reference of 2.9 s", (1,), bodies, repeats=2))
    return rows
