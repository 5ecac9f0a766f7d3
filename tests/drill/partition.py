"""Cut, write, heal, compare."""

import concurrent.futures
import random
import shutil
import threading
import time

from .net import Network
from .report import Failure, say, size, sizes, until
from .traffic import Traffic
from .world import CUTS, skip

# The ways in which messages come, and those in which files come, with their keys in the configuration.
# Of each kind, those that --only does not name are off, unless it names none of the kind.
KINDS = [
    {"gossip": "gossip", "catch-up": "catch_up"},
    {"exchange": "exchange", "http": "http_fallback"},
]
PATHS = ", ".join(path for paths in KINDS for path in paths)
SIDE_LIMIT = 60
PUBLISH_LIMIT = 60
# Between two deaths, seconds.
KILL_EVERY = (0.5, 3.0)
DEAD_FOR = (0.0, 2.0)


def drill(options):
    cuts = ways(options)
    settings = {"catch_up_seconds": options.catch_up_seconds, **switches(options.only)}
    if settings.get("catch_up") is False and options.kill:
        raise Failure("gossip is told once: with --kill, or a cut that outlasts its connections, it cannot heal alone")
    network = Network(options, settings)
    network.start()
    drill = Drill(options, network)
    for number, how in enumerate(cuts, 1):
        drill.round(number, how)
    drill.check_against_lone_node()
    network.stop()


def ways(options):
    cuts = [cut for cut in options.cut.split(",") if cut]
    for cut in cuts:
        if cut not in CUTS:
            raise Failure(f"{cut} is no way of cutting: {', '.join(CUTS)}")
    if shutil.which("nft"):
        return cuts or list(CUTS)
    if options.loss or set(cuts) - {"link"}:
        skip("needs nft (package nftables)")
    say("without nft (package nftables) there is one way of cutting: link")
    return ["link"]


def switches(only):
    named = {path for path in only.split(",") if path}
    unknown = named - {path for paths in KINDS for path in paths}
    if unknown:
        raise Failure(f"no such path: {', '.join(unknown)}; there are {PATHS}")
    # Files that are not named by a CID do not come by bitswap; those of the drill are not.
    result = {"bitswap": False} if named else {}
    for paths in KINDS:
        if named & set(paths):
            result.update({key: path in named for path, key in paths.items()})
    return result


class Drill:
    def __init__(self, options, network):
        self.options = options
        self.network = network
        self.world = network.world
        self.random = random.Random(options.seed)
        self.traffic = Traffic(options.seed, options.largest_file)
        self.killer = Killer(network.nodes, random.Random(options.seed)) if options.kill else None

    def round(self, number, how):
        nodes, options = self.network.nodes, self.options
        left = self.random.sample(nodes, 2)
        right = [node for node in nodes if node not in left]
        self.world.split(node.name for node in left)
        names = f"{'+'.join(n.name for n in left)} | {'+'.join(n.name for n in right)}"
        say(f"round {number}: {names}, {how}: {CUTS[how]}")

        self.publish([(nodes, self.traffic.common(options.common))])
        root, took = self.network.agree(nodes, "one state before the cut", options.within)
        say(f"  {options.common} messages everywhere: root {root[:16]} after {took:.1f} s")

        if options.loss:
            self.world.lose(options.loss)
            say(f"  {options.loss} % of all frames are lost from now on")
        self.world.cut(how)
        cut_at = time.monotonic()
        if self.killer:
            self.killer.begin()
        ours, theirs = self.traffic.sides([options.writes, options.writes])
        self.publish([(left, ours), (right, theirs)])
        if self.killer:
            time.sleep(options.seconds)
            say(f"  {self.killer.pause()} deaths so far, all run again")
        roots = []
        for side in (left, right):
            root, took = self.network.agree(side, f"one state on the side of {side[0].name}", SIDE_LIMIT)
            roots.append(root)
            say(f"  {'+'.join(n.name for n in side)} wrote {options.writes}: root {root[:16]} after {took:.1f} s")
        if roots[0] == roots[1]:
            raise Failure("the sides agree although they are parted: the cut is none")
        time.sleep(max(0, options.seconds - (time.monotonic() - cut_at)))

        before = self.world.bytes()
        self.world.heal()
        say(f"  healed after {time.monotonic() - cut_at:.1f} s")
        if self.killer:
            self.killer.begin()
            time.sleep(options.seconds)
            say(f"  {self.killer.pause()} deaths so far, all run again")
        root, took = self.network.agree(nodes, "one state after the cut", options.within)
        passed = {name: count - before[name] for name, count in self.world.bytes().items()}
        say(f"  one root {root[:16]} after {took:.1f} s")
        needed = self.traffic.news(ours, theirs) * len(right) + self.traffic.news(theirs, ours) * len(left)
        say(f"  sent: {sizes(passed)}; what the nodes lacked: {size(needed)}")
        if options.loss:
            self.world.lose(0)
        self.check_messages()
        self.check_files()
        until("all are connected again", options.within, self.network.is_connected)

    def publish(self, shares):
        """Each share is published on its nodes, in its order, all shares at once."""
        with concurrent.futures.ThreadPoolExecutor() as threads:
            for done in [threads.submit(self._publish, nodes, writes) for nodes, writes in shares]:
                done.result()

    def _publish(self, nodes, writes):
        for number, write in enumerate(writes):
            deadline = time.monotonic() + PUBLISH_LIMIT
            attempt = number
            while True:
                node = nodes[attempt % len(nodes)]
                try:
                    for data in write.files:
                        node.upload(data)
                    status = node.publish(write.message)
                    break
                except OSError as error:
                    # It is dead. Another one takes it; both may have.
                    attempt += 1
                    if not self.killer or time.monotonic() > deadline:
                        raise Failure(f"{node.name} takes nothing: {error}") from error
                    time.sleep(0.05)
            if status not in ("processed", "pending", "forgotten"):
                raise Failure(f"{node.name} says {status} of {write.message.kind} {write.message.hash}")

    def check_messages(self):
        """Every message has the right status everywhere."""
        wrong = []
        with concurrent.futures.ThreadPoolExecutor(len(self.network.nodes)) as threads:
            for found in threads.map(self._wrong_statuses, self.network.nodes):
                wrong += found
        if wrong:
            raise Failure(f"{len(wrong)} wrong statuses: " + "; ".join(wrong[:10]))
        forgotten = sum(write.message.hash in self.traffic.forgotten for write in self.traffic.writes)
        say(f"  {len(self.traffic.writes)} messages, {forgotten} of them forgotten: the same everywhere")

    def _wrong_statuses(self, node):
        wrong = []
        for write in self.traffic.writes:
            status, expected = node.status(write.message), self.traffic.expected(write.message)
            if status != expected:
                wrong.append(f"{node.name}: {write.message.kind} {write.message.hash} is {status}, not {expected}")
        return wrong

    def check_files(self):
        """Every file of a live STORE is served everywhere, whole."""
        kept = self.traffic.kept_files()

        def check(node):
            for name in kept:
                status, data = node.request("GET", f"/api/v0/storage/raw/{name}")
                if status != 200 or data != self.traffic.files[name]:
                    raise Failure(f"{node.name} serves {name} with {status} and {len(data)} bytes")
            gaps = node.get("/api/v0/sync/gaps")
            if gaps and gaps.get("wanted"):
                raise Failure(f"{node.name} lacks something: {gaps}")

        with concurrent.futures.ThreadPoolExecutor(len(self.network.nodes)) as threads:
            list(threads.map(check, self.network.nodes))
        say(f"  {len(kept)} files, {sum(kept.values()) / 1e6:.1f} MB: the same everywhere")

    def check_against_lone_node(self):
        """The common root is the right one, not just the same one."""
        lone = self.network.lone_node()
        self.publish([([lone], self.traffic.writes)])
        expected, root = lone.root(), self.network.nodes[0].root()
        if root != expected:
            raise Failure(f"a node that got the same without a network has the root {expected}, the others {root}")
        say(f"a node that got the same messages without a network has the same root: {root}")
        lone.kill()


class Killer:
    """Kills nodes at random and starts them again."""

    def __init__(self, nodes, dice):
        self.nodes = nodes
        self.dice = dice
        self.deaths = 0
        self._stop = threading.Event()
        self._thread = None
        self._failure = None

    def begin(self):
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def pause(self):
        """All nodes run when this returns."""
        self._stop.set()
        self._thread.join()
        if self._failure:
            raise self._failure
        return self.deaths

    def _run(self):
        try:
            while not self._stop.wait(self.dice.uniform(*KILL_EVERY)):
                victim = self.dice.choice(self.nodes)
                victim.kill()
                self.deaths += 1
                time.sleep(self.dice.uniform(*DEAD_FOR))
                victim.start()
                # Every other one is killed again while it starts, if the dice want it.
                if self.dice.random() < 0.5:
                    victim.wait_until_it_answers()
        except Exception as error:
            self._failure = error
        finally:
            for node in self.nodes:
                if node.process.poll() is not None and not self._failure:
                    self._failure = Failure(f"{node.name} died by itself:\n{node.log_end()}")
            try:
                for node in self.nodes:
                    node.wait_until_it_answers()
            except Exception as error:
                self._failure = self._failure or error
