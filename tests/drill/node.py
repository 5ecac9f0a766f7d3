"""One node: the real program in a place of its own, and its HTTP interface."""

import http.client
import json
import signal
import subprocess
import time

API_PORT = 4024
PEER_PORT = 4025
# Seconds. A start takes less than one where nothing else runs.
START_LIMIT = 60
ANSWER_LIMIT = 60


class Node:
    def __init__(self, place, key, folder, program, settings):
        self.place = place
        self.key = key
        self.name = place.name
        self.folder = folder
        self.program = program
        self.settings = settings
        self.process = None
        self.starts = 0
        folder.mkdir(parents=True)
        (folder / "node.der").write_bytes(key.der())

    def multiaddress(self):
        return f"/ip4/{self.place.address}/tcp/{PEER_PORT}/p2p/{self.key.peer_id()}"

    def url(self):
        return f"http://{self.place.address}:{API_PORT}"

    def configure(self, profile, bootstrap):
        """Writes the configuration; a person can start the node with it again."""
        address = self.place.address
        sections = {
            "data": {"folder": str(self.folder / "data")},
            "api": {"listen": f"{address}:{API_PORT}"},
            "log": {"filter": "info"},
            "p2p": {
                "key_file": str(self.folder / "node.der"),
                "listen": [f"/ip4/{address}/tcp/{PEER_PORT}"],
                "external": [f"/ip4/{address}/tcp/{PEER_PORT}"],
                "http_url": self.url(),
                "bootstrap": bootstrap,
                "private_http": True,
                **self.settings,
            },
        }
        # What JSON says of texts, numbers, flags and lists, TOML says as well.
        lines = [f"profile = {json.dumps(str(profile))}"]
        for section, keys in sections.items():
            lines += ["", f"[{section}]"]
            lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        (self.folder / "alephd.toml").write_text("\n".join(lines) + "\n")

    def start(self):
        command = [self.program, "run", "--config", str(self.folder / "alephd.toml")]
        with open(self.folder / "node.log", "ab") as log:
            # A session of its own: Ctrl-C is for the drill.
            self.process = subprocess.Popen(
                self.place.command(*map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1

    def wait_until_it_answers(self):
        deadline = time.monotonic() + START_LIMIT
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.log_end()}")
            try:
                self.get("/api/v0/version")
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} does not answer:\n{self.log_end()}") from None
                time.sleep(0.05)

    def kill(self):
        """As a crash would: with no chance to do anything."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """Asks it to end; says how it did."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def log_end(self, lines=30):
        text = (self.folder / "node.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def resident(self):
        """Bytes of memory that it holds."""
        with open(f"/proc/{self.process.pid}/status") as status:
            kib = next(line.split()[1] for line in status if line.startswith("VmRSS"))
        return int(kib) * 1024

    # ---- its HTTP interface ---------------------------------------------------------------------

    def request(self, method, path, body=None, kind="application/json", limit=ANSWER_LIMIT):
        """The status and the bytes of an answer. OSError if there is none."""
        connection = http.client.HTTPConnection(self.place.address, API_PORT)
        try:
            connection.sock = self.place.connect((self.place.address, API_PORT), limit)
            connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise OSError(f"{self.name}: {error!r}") from error
        finally:
            connection.close()

    def get(self, path):
        status, body = self.request("GET", path)
        if status != 200:
            raise OSError(f"{self.name} answers {path} with {status}: {body[:200]!r}")
        return json.loads(body)

    def root(self):
        return self.get("/api/v0/state/root")["live"]

    def peers(self):
        return self.get("/api/v0/peers")["peers"]

    def upload(self, data):
        status, body = self.request(
            "POST", "/api/v0/storage/add_file", data, "application/octet-stream"
        )
        if status != 200:
            raise OSError(f"{self.name} takes no file: {status}: {body[:200]!r}")

    def publish(self, message):
        """The status of the message, as the node says."""
        body = json.dumps({"sync": True, "message": message.wire})
        status, answer = self.request("POST", "/api/v0/messages", body.encode())
        if status not in (200, 202, 410, 422):
            raise OSError(f"{self.name} takes no message: {status}: {answer[:200]!r}")
        try:
            return json.loads(answer)["message_status"]
        except (ValueError, KeyError):
            raise ValueError(f"{self.name} refuses {message.kind}: {status}: {answer[:300]!r}") from None

    def status(self, message):
        status, body = self.request("GET", f"/api/v0/messages/{message.hash}/status")
        return "unknown" if status == 404 else json.loads(body)["status"]
