"""Attacks on the peer port of a node that five others need: it has to go on.

While an attack lasts, clients publish on the attacked node and on another one, and are answered; every
message comes everywhere; a new node that knows nobody but the attacked one gets in; memory is bounded. After
it, nothing is left of it.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time

from .attacks import ATTACKS
from .keys import Key
from .net import Network
from .node import PEER_PORT, Node
from .report import Failure, say, size, until
from .traffic import Traffic
from .world import NETWORK, skip

# Seconds that an attack lasts at least.
LASTS = 10
# Seconds until a client is answered. Usual are milliseconds; machines that test are busy.
ANSWER_LIMIT = 10
# Seconds until messages are everywhere, and until a new node is in and knows them.
ARRIVAL_LIMIT = 30
NEWCOMER_LIMIT = 60
# Bytes that an attack may cost the node, for good and for a time.
MEMORY_LIMIT = 150e6
# Files that may be open after an attack and were not before: a connection with the newcomer, and some.
FILES_LEFT = 20
CROWD = 64


def drill(options):
    network = Network(options, {"catch_up_seconds": options.catch_up_seconds})
    if not network.world.has_nft:
        skip("needs nft (package nftables)")
    attacker = network.world.place("attacker", 99)
    crowd = [f"{NETWORK}.{100 + number}" for number in range(CROWD)]
    for address in crowd:
        attacker.ip("address", "add", f"{address}/24", "dev", "eth0")
    network.start()
    drill = Drill(options, network, attacker)
    # First without any attack: what the figures are to be compared with.
    drill.stand("none", None)
    for name in options.attacks.split(",") if options.attacks else ATTACKS:
        drill.stand(name, {"none": None, "crowd": crowd}.get(name, [attacker.address]))
    network.stop()


class Drill:
    def __init__(self, options, network, attacker):
        self.options = options
        self.network = network
        self.attacker = attacker
        self.target = network.nodes[0]
        self.traffic = Traffic(options.seed, 100_000)
        self.published = []
        self.newcomers = 0

    def stand(self, name, addresses):
        """Everything that has to hold while the attack called `name` goes on."""
        target = self.target
        memory, files = target.resident(), open_files(target)
        if name == "half-open":
            self.attacker.nft(
                "add table inet deaf\n"
                "add chain inet deaf input { type filter hook input priority 0; }\n"
                f"add rule inet deaf input tcp sport {PEER_PORT} drop\n"
            )
        attack = self.begin(name, addresses) if addresses else None
        watch = Watch(target)
        begin = time.monotonic()
        times = []
        while time.monotonic() - begin < LASTS:
            times.append(self.publish())
            time.sleep(0.05)
        arrived = until("messages are everywhere", ARRIVAL_LIMIT, self.arrived)
        came = self.newcomer()
        most = watch.end()
        if attack:
            say(f"{name}: {self.end(attack)}")
        else:
            say("without any attack:")
        if name == "half-open":
            self.attacker.nft("delete table inet deaf\n")
        say(
            f"  {len(times)} messages published, half in {statistics.median(times) * 1e3:.0f} ms, slowest "
            f"{max(times) * 1e3:.0f} ms; everywhere after {arrived:.1f} s; a new node is in after {came:.1f} s"
        )
        limit = ARRIVAL_LIMIT
        until("the files of the attack are closed", limit, lambda: open_files(target) <= files + FILES_LEFT)
        say(f"  memory {size(memory)}, at most {size(most)}; {files} open files, then {open_files(target)}")
        if max(times) > ANSWER_LIMIT:
            raise Failure(f"a client waited for {max(times):.1f} s during {name}")
        if most > memory + MEMORY_LIMIT:
            raise Failure(f"{name} cost {size(most - memory)} of memory")

    def publish(self):
        """Publishes on the attacked node and on another one; the longer time of the two."""
        times = []
        for node in (self.target, self.network.nodes[1]):
            (write,) = self.traffic.common(1)
            begin = time.monotonic()
            for data in write.files:
                node.upload(data)
            node.publish(write.message)
            times.append(time.monotonic() - begin)
            self.published.append(write.message)
        return max(times)

    def arrived(self):
        return len(set(self.network.roots().values())) == 1

    def newcomer(self):
        """Starts a node that knows the attacked one alone; how long until it has all it has."""
        self.newcomers += 1
        name = f"new-{self.newcomers}"
        place = self.network.world.place(name, 10 + self.newcomers)
        settings = {"catch_up_seconds": self.options.catch_up_seconds}
        node = Node(place, Key(name), self.network.folder / name, self.network.program, settings)
        node.configure(self.network.profile, [self.target.multiaddress()])
        node.start()
        node.wait_until_it_answers()
        try:
            return until(f"{name} gets in", NEWCOMER_LIMIT, lambda: node.root() == self.target.root())
        except Failure as failure:
            raise Failure(f"{failure}\n{self.network.tell([self.target, node])}") from None
        finally:
            node.kill()

    def begin(self, name, addresses):
        command = [sys.executable, "-m", "drill.attacks", name, self.target.place.address, str(PEER_PORT)]
        parent = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        process = subprocess.Popen(
            self.attacker.command(*command, *addresses), cwd=parent, stdout=subprocess.PIPE, text=True
        )
        time.sleep(1)
        return process

    def end(self, attack):
        attack.terminate()
        counts = json.loads(attack.communicate(timeout=30)[0])
        return ", ".join(f"{count:,} {what}" for what, count in counts.items())


class Watch:
    """Looks at the memory of a node, and remembers the most that it held."""

    def __init__(self, node):
        self.node = node
        self.most = node.resident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(0.1):
            self.most = max(self.most, self.node.resident())

    def end(self):
        self._stop.set()
        self._thread.join()
        return self.most


def open_files(node):
    return len(os.listdir(f"/proc/{node.process.pid}/fd"))
