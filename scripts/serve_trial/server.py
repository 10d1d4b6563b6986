"""A running `opah run serve`, and ways to ask it that need no package."""
import http.client, json, os, re, signal, socket, subprocess, time


class Server:
    program = home = folder = None      # the script sets them
    count = 0

    def __init__(self, flags, port=0, token=None):
        self.flags, self.port, self.token = flags, port, token

    def __enter__(self):
        Server.count += 1
        self.log = os.path.join(self.folder, f"server-{Server.count}.log")
        environment = {**os.environ, "OPAH_HOME": self.home}
        environment.pop("OPAH_TOKEN", None)
        if self.token: environment["OPAH_TOKEN"] = self.token
        begun = time.monotonic()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([self.program, "run", "serve", *self.flags, "--port", str(self.port)], env=environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while True:
            found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", self.said())
            if found: break
            if self.process.poll() is not None or time.monotonic() > begun + 120:
                self.stop()
                raise RuntimeError("the server does not listen: " + self.said()[-1500:])
            time.sleep(0.02)
        self.port, self.started = int(found[1]), time.monotonic() - begun
        return self

    def __exit__(self, *_): self.stop()

    def said(self):
        with open(self.log, errors="replace") as log: return log.read()

    def stop(self):
        """SIGTERM; the exit code, or that it had to be killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try: self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()

    @property
    def url(self): return f"http://127.0.0.1:{self.port}"

    def resident(self):
        """Bytes of its memory."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) * 1024

    def processor_seconds(self):
        """What all its threads have worked."""
        with open(f"/proc/{self.process.pid}/stat") as status: words = status.read().rpartition(") ")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")      # utime and stime, proc(5)

    def ask(self, path, body=None, kind="application/json", method=None, timeout=150):
        """Status, headers (names in lower case), bytes. `body`: bytes, or what becomes JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            if body is not None and not isinstance(body, bytes): body = json.dumps(body).encode()
            headers = {"Content-Type": kind} if body is not None else {}
            if self.token: headers["Authorization"] = "Bearer " + self.token
            connection.request(method or ("GET" if body is None else "POST"), path, body, headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def voices(self): return [voice["id"] for voice in json.loads(self.ask("/v1/voices")[2])["data"]]

    def metric(self, name):
        return float(re.search(rf"^opah_{name} (\S+)$", self.ask("/metrics")[2].decode(), re.M)[1])

    def connect(self, receive_buffer=None):
        """A bare connection; a small `receive_buffer` makes a client that takes little at a time."""
        bare = socket.socket()
        if receive_buffer: bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        bare.settimeout(60)
        bare.connect(("127.0.0.1", self.port))
        return bare


def post(path, body):
    """The bytes of a request."""
    body = json.dumps(body).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
