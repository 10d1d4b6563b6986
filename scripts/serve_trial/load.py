"""Many clients at a time: none lost, memory flat, a fair order, nobody held up by others, and a new start after kill -9."""
import http.client, json, statistics, threading, time
from .rows import expect
from .server import Server, post

TEXT = "The old bird waited behind the harbour again."
LONG = (TEXT + " ") * 60                 # a minute and more of sound


class Client(threading.Thread):
    """Asks again and again until `end`, and notes (begun, first byte, last byte, status) of each answer, or what went wrong."""
    def __init__(self, server, voice, end, patient=True):
        super().__init__(daemon=True)
        self.server, self.voice, self.end, self.patient, self.told, self.wrong, self.refused = server, voice, end, patient, [], [], 0

    def run(self):
        body = json.dumps({"input": TEXT, "voice": self.voice, "response_format": "pcm"})
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=150)
        while time.monotonic() < self.end:
            begun = time.monotonic()
            try:
                connection.request("POST", "/v1/audio/speech", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                sound = answer.read(1)
                first = time.monotonic()
                sound += answer.read()
                if answer.status == 200 and len(sound) > 5000:
                    self.told.append((begun, first, time.monotonic(), len(sound) / 2))
                elif answer.status in (429, 503) and answer.headers["Retry-After"] and b'"message"' in sound:
                    self.refused += 1
                    time.sleep(min(float(answer.headers["Retry-After"]), 0.2))
                else: self.wrong.append(f"{answer.status}, {len(sound)} bytes: {sound[:100]}")
            except (OSError, http.client.HTTPException) as problem:
                self.wrong.append(repr(problem))
                connection.close()
        connection.close()


def crowd(server, count, seconds, memory=None):
    """`count` clients for `seconds`; they end with whole answers. `memory` gets (seconds, bytes) of the server."""
    begun = time.monotonic()
    voices = server.voices() or ["default"]
    clients = [Client(server, voices[i % len(voices)], begun + seconds) for i in range(count)]
    for client in clients: client.start()
    while any(client.is_alive() for client in clients):
        if memory is not None: memory.append((time.monotonic() - begun, server.resident()))
        time.sleep(0.25)
    return clients, time.monotonic() - begun


def percentiles(values):
    values = sorted(values)
    return {f"p{p}": round(values[min(len(values) - 1, len(values) * p // 100)], 3) for p in (50, 90, 99)}


def steady(rows, server, count, seconds):
    """The table of figures of a crowd that the server has places for."""
    memory = []
    clients, lasted = crowd(server, count, seconds, memory)
    answers = [told for client in clients for told in client.told]
    wrong = [problem for client in clients for problem in client.wrong] + [f"{c.refused} refused" for c in clients if c.refused]
    rows.require(f"load: {count} clients, every answer is 200 and whole", answers and not wrong, f"{len(answers)} answers in {lasted:.0f} s" if not wrong else wrong[:3])
    if not answers: return {}

    def resident(start, end): return statistics.median(size for at, size in memory if start * seconds <= at < end * seconds)
    second, last = resident(0.25, 0.5), resident(0.75, 1)
    rows.require("load: memory of the last quarter is that of the second, within 5 %", last <= 1.05 * second, f"{second / 1e6:.0f} MB, {last / 1e6:.0f} MB")
    each = sorted(len(client.told) for client in clients)
    waits = sorted(first - begun for begun, first, _, _ in answers)
    middle = statistics.median(waits)
    # Those who ask first are answered first: nobody waits for more than two rounds of the others, or gets less than half of what others do.
    rows.require("load: a fair order: nobody waits three times the median", waits[-1] <= 3 * middle + 0.1, f"median {middle:.2f} s, longest {waits[-1]:.2f} s")
    rows.require("load: a fair order: nobody has half of another's answers", 2 * each[0] >= each[-1] - 2, f"{each[0]} to {each[-1]} answers each")
    return {"clients": count, "seconds": round(lasted, 1), "answers": len(answers), "requests_per_second": round(len(answers) / lasted, 2),
            "seconds_of_sound_per_second": round(sum(n for *_, n in answers) / rate_of(server) / lasted, 2),
            "first_sound_seconds": percentiles(waits), "whole_answer_seconds": percentiles(last - begun for begun, _, last, _ in answers),
            "resident_megabytes": {"second_quarter": round(second / 1e6), "last_quarter": round(last / 1e6)}}


def rate_of(server):
    status, headers, _ = server.ask("/v1/audio/speech", {"input": "Bird.", "response_format": "pcm"})
    return int(headers["x-sample-rate"])


def one(server):
    """Seconds that somebody who asks in the usual way waits for a whole answer."""
    begun = time.monotonic()
    status, _, sound = server.ask("/v1/audio/speech", {"input": TEXT, "response_format": "wav"})
    expect(status == 200 and sound[:4] == b"RIFF", status, sound[:200])
    return time.monotonic() - begun


def hold_up(rows, server):
    """Clients that are no use to anybody: others do not wait for them."""
    alone = statistics.median(one(server) for _ in range(3))
    speech = post("/v1/audio/speech", {"input": LONG, "response_format": "pcm"})
    with rows.row("load: a client that does not read holds nobody up") as tell:
        slow = server.connect(receive_buffer=4096)
        slow.sendall(speech)
        slow.recv(16)
        others = statistics.median(one(server) for _ in range(3))
        slow.close()
        expect(others < 4 * alone + 0.5, f"{others:.2f} s, alone {alone:.2f} s")
        tell(f"{others:.2f} s, alone {alone:.2f} s")
    with rows.row("load: forty that write no end of their request hold nobody up") as tell:
        halves = [server.connect() for _ in range(40)]
        for i, half in enumerate(halves): half.sendall(speech[:20 + i * 5])
        others = statistics.median(one(server) for _ in range(3))
        for half in halves: half.close()
        expect(others < 4 * alone + 0.5, f"{others:.2f} s, alone {alone:.2f} s")
        tell(f"{others:.2f} s, alone {alone:.2f} s")
    with rows.row("load: forty that go away leave their places at once") as tell:
        leaving = [server.connect() for _ in range(40)]
        for each in leaving: each.sendall(speech)
        time.sleep(1)
        busy = server.metric("texts_active")
        for each in leaving: each.close()
        begun = time.monotonic()
        while server.metric("texts_active") + server.metric("texts_waiting") > 0:
            expect(time.monotonic() < begun + 10, "their texts are still being spoken after 10 s")
        tell(f"{busy:.0f} were being spoken; free after {time.monotonic() - begun:.2f} s")


def check(rows, flags, count, seconds):
    with Server(flags + ["--queue", str(max(64, count))]) as server:
        numbers = steady(rows, server, count, seconds)
        hold_up(rows, server)
        with rows.row("load: SIGTERM ends it when all are answered, with code 0"):
            late = Client(server, (server.voices() or ["default"])[0], time.monotonic() + 0.05)
            late.start()
            time.sleep(0.1)
            code = server.stop()
            late.join()
            expect(code == 0 and not late.wrong and late.told, code, late.wrong, len(late.told))
    with rows.row("load: more than there is room for: whole answers, or 429 with Retry-After") as tell, Server(flags + ["--streams", "4", "--queue", "8"]) as server:
        clients, _ = crowd(server, count, min(seconds, 10))
        answered, refused = sum(len(c.told) for c in clients), sum(c.refused for c in clients)
        wrong = [problem for client in clients for problem in client.wrong]
        expect(answered and not wrong and (refused or count <= 12), answered, refused, wrong[:3])
        tell(f"{answered} answered, {refused} told to come again")
    with rows.row("load: a queue longer than usual is as long as it says") as tell, Server(flags + ["--queue", "400"]) as server:
        waiting = [server.connect() for _ in range(400)]
        for each in waiting: each.sendall(post("/v1/audio/speech", {"input": "Bird.", "response_format": "wav"}))
        heads = [each.recv(12) for each in waiting]
        for each in waiting: each.close()
        expect(all(head == b"HTTP/1.1 200" for head in heads), {head for head in heads})
        tell("400 at a time")
    with rows.row("load: kill -9 under load, and a new start on the same port at once") as tell:
        with Server(flags) as server:
            end = time.monotonic() + 3
            clients = [Client(server, (server.voices() or ["default"])[0], end) for _ in range(16)]
            for client in clients: client.start()
            time.sleep(1)
            server.kill()
            with Server(flags, port=server.port) as again:
                for client in clients: client.join()
                expect(all(client.wrong for client in clients), "an answer that was cut off passed for a whole one")
                one(again)
                tell(f"listens after {again.started:.2f} s")
    return numbers
