"""Attacks on the peer port of a node that five others need: it has to go on.

While an attack lasts, clients publish on the attacked node and on another one, and are answered; every
message comes everywhere; a new node that knows nobody but the attacked one gets in; memory is bounded, and so
is what one address gets. After it all nodes have one state, and nothing is left of it.
"""

import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import threading
import time

from . import attacks
from .keys import Key
from .net import Network
from .node import PEER_PORT, Node
from .report import Failure, say, size, until
from .traffic import Traffic
from .world import NETWORK, skip

TOPIC = "ALEPH-TEST"
# Attacks by those who only reach the port (attacks.py), and by those who speak libp2p
# (bin/alephd/examples/hostile-peer/), with what each has to have done to count as one.
BY_STRANGERS = dict.fromkeys(attacks.ATTACKS, "")
BY_PEERS = {
    "sybil": "connections",
    "stalled-streams": "streams",
    "giant-frames": "streams",
    "garbage-sync": "questions",
    "wrong-blobs": "wrong files",
    "equivocation": "contradictions",
    "flood-invalid": "messages",
    # Only if asked for: it takes minutes, and every newcomer after it has to catch up with all of it.
    "flood-valid": "messages",
}
ATTACKS = [*BY_STRANGERS, *BY_PEERS]
# These do not pass yet (docs/how-to/drills.md).
BY_NAME_ONLY = {"crowd", "flood-valid", "stalled-streams"}
# Seconds until a client is answered. Usual are milliseconds; machines that test are busy.
ANSWER_LIMIT = 30
# Seconds until an attack begins, until messages are everywhere, until a new node is in and knows them, and
# until all have one state after it.
BEGIN_LIMIT = 60
ARRIVAL_LIMIT = 120
NEWCOMER_LIMIT = 120
STATE_LIMIT = 240
# What is left of the rate of honest messages at least. The attacker has the same processors as the nodes, so
# this is far below what a network of machines would show.
RATE_LEFT = 0.05
# Bytes that an attack may cost any of the nodes, for good and for a time: what a full gate, a full inbox and
# full queues hold at most is less.
MEMORY_LIMIT = 150e6
# Files that may be open after an attack and were not before: a connection with the newcomer, and some.
FILES_LEFT = 20
# Connections that one address gets (`Limits::per_address`).
PER_ADDRESS = 16
CROWD = 64
# Messages whose arrival is looked at one by one.
SAMPLE = 60


def drill(options):
    names = options.attacks.split(",") if options.attacks else [name for name in ATTACKS if name not in BY_NAME_ONLY]
    unknown = set(names) - set(ATTACKS) - {"none"}
    if unknown:
        raise Failure(f"no such attack: {', '.join(unknown)}; there are {', '.join(ATTACKS)}")
    attacker_program = pathlib.Path(options.attacker or options.program.parent / "examples" / "hostile-peer")
    if set(names) & set(BY_PEERS) and not os.access(attacker_program, os.X_OK):
        raise Failure(f"no program at {attacker_program}: cargo build -p alephd --example hostile-peer")
    network = Network(options, {"catch_up_seconds": options.catch_up_seconds})
    if not network.world.has_nft:
        skip("needs nft (package nftables)")
    attacker = network.world.place("attacker", 99)
    crowd = [f"{NETWORK}.{100 + number}" for number in range(CROWD)]
    for address in crowd:
        attacker.ip("address", "add", f"{address}/24", "dev", "eth0")
    network.start()
    drill = Drill(options, network, attacker, attacker_program)
    # First without any attack: what the figures are to be compared with. Once before that, for what is
    # only slow the first time.
    drill.publish_all()
    drill.stand("none", None)
    for name in names:
        drill.stand(name, crowd if name == "crowd" else [attacker.address])
    network.stop()


class Drill:
    def __init__(self, options, network, attacker, program):
        self.options = options
        self.network = network
        self.attacker = attacker
        self.program = program
        self.target = network.nodes[0]
        self.traffic = Traffic(options.seed, 100_000)
        self.dice = random.Random(options.seed)
        self.published = []
        self.newcomers = 0
        self.usual_rate = None

    def stand(self, name, addresses):
        """Everything that has to hold while the attack called `name` goes on."""
        target, nodes = self.target, self.network.nodes
        before = {node.name: node.resident() for node in nodes}
        files = open_files(target)
        watch = Watch(nodes, self.attacker.address)
        attack = self.begin(name, addresses) if name != "none" else None
        try:
            rate, times = self.publish_all()
            arrived = until(f"messages are everywhere during {name}", ARRIVAL_LIMIT, lambda: self.arrived(nodes))
            came, newcomer = self.newcomer(name)
            counts = self.end(name, attack) if attack else {}
        except Failure as failure:
            raise Failure(f"{name}: {failure}\n{self.network.tell(nodes)}") from None
        finally:
            if attack:
                attack.kill()
            watch.end()
        said = ", ".join(f"{count:,} {what}" for what, count in counts.items())
        say(f"{name}: {said}" if attack else "without any attack:")
        _, agreed = self.network.agree([*nodes, newcomer], f"one state after {name}", STATE_LIMIT)
        newcomer.kill()
        until("the files of the attack are closed", ARRIVAL_LIMIT, lambda: open_files(target) <= files + FILES_LEFT)
        self.usual_rate = self.usual_rate or rate
        part = rate / self.usual_rate
        say(
            f"  {len(times)} messages at {rate:.0f}/s ({part:.0%} of the usual), half in "
            f"{statistics.median(times) * 1e3:.0f} ms, slowest {max(times) * 1e3:.0f} ms; everywhere after "
            f"{arrived:.1f} s; a new node is in after {came:.1f} s; one state {agreed:.1f} s after the end"
        )
        worst = max(nodes, key=lambda node: watch.most[node.name] - before[node.name])
        cost = watch.most[worst.name] - before[worst.name]
        say(
            f"  memory of {worst.name}: {size(before[worst.name])}, at most {size(watch.most[worst.name])}; "
            f"{watch.held} peers from one address at most; {files} open files, then {open_files(target)}; "
            f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
        )
        if max(times) > ANSWER_LIMIT:
            raise Failure(f"a client waited for {max(times):.1f} s during {name}")
        if part < RATE_LEFT:
            raise Failure(f"{name} left {part:.1%} of the rate of honest messages")
        if cost > MEMORY_LIMIT:
            raise Failure(f"{name} cost {size(cost)} of memory of {worst.name}")
        if watch.held > PER_ADDRESS:
            raise Failure(f"one address had {watch.held} peers during {name}")
        done = BY_PEERS.get(name)
        if done and not counts.get(done):
            raise Failure(f"{name} was none: {counts}")

    def publish_all(self):
        """Publishes the messages of one attack; how many in a second, and how long each took."""
        begin = time.monotonic()
        times = [self.publish() for _ in range(self.options.messages)]
        return len(times) / (time.monotonic() - begin), times

    def publish(self):
        """Publishes on the attacked node or on another one, in turn; how long that took."""
        node = self.network.nodes[len(self.published) % 2]
        (write,) = self.traffic.common(1)
        begin = time.monotonic()
        for data in write.files:
            node.upload(data)
        node.publish(write.message)
        self.published.append(write.message)
        return time.monotonic() - begin

    def sample(self):
        """Some of the honest messages: the latest ones, and some of the others."""
        latest, others = self.published[-SAMPLE // 2 :], self.published[: -SAMPLE // 2]
        return latest + self.dice.sample(others, min(len(others), SAMPLE // 2))

    def arrived(self, nodes):
        sample = self.sample()
        return all(node.status(message) == self.traffic.expected(message) for node in nodes for message in sample)

    def newcomer(self, during):
        """Starts a node that knows the attacked one alone; how long until it has what was published."""
        self.newcomers += 1
        name = f"new-{self.newcomers}"
        place = self.network.world.place(name, 10 + self.newcomers)
        # The others would help it, and hide that the attacked node does not.
        others = [other.place.address for other in self.network.nodes if other is not self.target]
        place.nft(
            "add table inet alone\n"
            "add chain inet alone output { type filter hook output priority 0; }\n"
            f"add rule inet alone output ip daddr {{ {', '.join(others)} }} drop\n"
        )
        settings = {"catch_up_seconds": self.options.catch_up_seconds}
        node = Node(place, Key(name), self.network.folder / name, self.network.program, settings)
        node.configure(self.network.profile, [self.target.multiaddress()])
        node.start()
        node.wait_until_it_answers()
        try:
            return until(f"{name} gets in during {during}", NEWCOMER_LIMIT, lambda: self.arrived([node])), node
        except Failure as failure:
            raise Failure(f"{failure}\n{self.network.tell([node])}") from None

    def begin(self, name, addresses):
        if name in BY_PEERS:
            command = [str(self.program), name, TOPIC, *(node.multiaddress() for node in self.network.nodes)]
        else:
            command = [sys.executable, "-m", "drill.attacks", name, self.target.place.address, str(PEER_PORT)]
            command += addresses
        if name == "half-open":
            self.attacker.nft(
                "add table inet deaf\n"
                "add chain inet deaf input { type filter hook input priority 0; }\n"
                f"add rule inet deaf input tcp sport {PEER_PORT} drop\n"
            )
        parent = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        with open(self.network.folder / f"attack-{name}.log", "wb") as log:
            process = subprocess.Popen(
                self.attacker.command(*command), cwd=parent, stdout=subprocess.PIPE, stderr=log, text=True
            )
        late = threading.Timer(BEGIN_LIMIT, process.kill)
        late.start()
        first = process.stdout.readline()
        late.cancel()
        if first != "begun\n":
            raise Failure(f"{name} does not begin: see {log.name}")
        return process

    def end(self, name, attack):
        if attack.poll() is not None:
            raise Failure(f"the attacker ended by itself with {attack.returncode}")
        attack.terminate()
        counts = json.loads(attack.communicate(timeout=60)[0])
        if name == "half-open":
            self.attacker.nft("delete table inet deaf\n")
        return counts


class Watch:
    """Looks at the memory of nodes and at the peers of the first, and remembers the most of both."""

    def __init__(self, nodes, address):
        self.nodes = nodes
        self.address = address
        self.most = {node.name: node.resident() for node in nodes}
        self.held = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(0.2):
            for node in self.nodes:
                self.most[node.name] = max(self.most[node.name], node.resident())
            try:
                peers = self.nodes[0].peers()
            except OSError:
                continue
            here = [peer for peer in peers if f"/{self.address}/" in peer["address"]]
            self.held = max(self.held, len(here))

    def end(self):
        self._stop.set()
        self._thread.join()


def open_files(node):
    return len(os.listdir(f"/proc/{node.process.pid}/fd"))
