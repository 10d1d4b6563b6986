"""curl, as a person types it."""
import os, shutil, subprocess
from .rows import expect

TEXT = "The old bird waited behind the harbour again."
ROWS = ["curl: speech into a file", "curl: the first sound comes before the last", "curl: --fail tells of what is not there", "curl: /metrics in Prometheus' form"]


def check(rows, server):
    if not shutil.which("curl"): return rows.skip(ROWS, "curl is not installed")
    voice = (server.voices() or ["default"])[0]

    def curl(*words):
        told = subprocess.run(["curl", "--silent", "--max-time", "120", *words], capture_output=True)
        return told.returncode, told.stdout
    path = os.path.join(server.folder, "curl.wav")
    body = '{"input": "%s", "voice": "%s", "response_format": "%s"}'
    with rows.row(ROWS[0]) as tell:
        code, _ = curl("--fail", server.url + "/v1/audio/speech", "-H", "Content-Type: application/json", "-d", body % (TEXT, voice, "wav"), "-o", path)
        with open(path, "rb") as file: sound = file.read()
        expect(code == 0 and sound[:4] == b"RIFF", code, sound[:100])
    with rows.row(ROWS[1]) as tell:
        code, told = curl("--fail", server.url + "/v1/audio/speech", "-H", "Content-Type: application/json", "-d", body % ((TEXT + " ") * 8, voice, "pcm"), "-o", path,
                          "-w", "%{time_starttransfer} %{time_total}")
        first, last = map(float, told.split())
        expect(code == 0 and first < 0.5 * last, first, last)
        tell(f"{first:.3f} s of {last:.3f} s")
    with rows.row(ROWS[2]):
        for wrong in (["/v1/nothing"], ["/v1/audio/speech"], ["/v1/audio/speech", "-H", "Content-Type: application/json", "-d", "{}"], ["/../../etc/passwd", "--path-as-is"]):
            code, _ = curl("--fail", server.url + wrong[0], *wrong[1:])
            expect(code == 22, wrong, code)
    with rows.row(ROWS[3]):
        code, told = curl("--fail", server.url + "/metrics")
        lines = told.decode().splitlines()
        expect(code == 0 and all(line.startswith("# ") or len(line.rsplit(" ", 1)) == 2 and float(line.rsplit(" ", 1)[1]) >= 0 for line in lines), told[:300])
