"""Five nodes that know each other, in a world."""

import pathlib

from .keys import Key
from .node import Node
from .report import Failure, say, until
from .world import World

PROJECT = pathlib.Path(__file__).resolve().parents[2]
COUNT = 5
MESH_LIMIT = 60


class Network:
    def __init__(self, options, settings):
        self.folder = options.folder
        self.program = options.program
        self.world = World(self.folder, options.delay, options.jitter)
        self.profile = self._profile()
        self.gossips = settings.get("gossip", True)
        self.nodes = []
        for number in range(1, COUNT + 1):
            name = f"n{number}"
            place = self.world.place(name, number)
            self.nodes.append(Node(place, Key(name), self.folder / name, self.program, settings))
        for node in self.nodes:
            others = [other.multiaddress() for other in self.nodes if other is not node]
            node.configure(self.profile, others)

    def _profile(self):
        """The local network, but for its promise to keep to one machine: there are five here."""
        text = (PROJECT / "profiles/local.toml").read_text()
        text = text.replace('name = "local"', 'name = "drill"')
        text = text.replace("loopback_only = true", "loopback_only = false")
        path = self.folder / "drill.toml"
        path.write_text(text)
        return path

    def start(self):
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait_until_it_answers()
        took = until("all are connected", MESH_LIMIT, self.is_connected)
        say(f"{COUNT} nodes run, each connected with the others{self._mesh()}, after {took:.1f} s")

    def is_connected(self):
        for node in self.nodes:
            peers = node.peers()
            if len({peer["peer_id"] for peer in peers}) < COUNT - 1:
                return False
            if self.gossips and not any(peer["mesh"] for peer in peers):
                return False
        return True

    def _mesh(self):
        return " and in the mesh of gossip" if self.gossips else ""

    def roots(self, nodes=None):
        return {node.name: node.root() for node in nodes or self.nodes}

    def agree(self, nodes, what, limit):
        """Waits until these nodes have one root; says it and how long that took."""
        try:
            took = until(what, limit, lambda: len(set(self.roots(nodes).values())) == 1)
        except Failure as failure:
            raise Failure(f"{failure}\n{self.tell(nodes)}") from None
        return nodes[0].root(), took

    def tell(self, nodes):
        """What there is to know about nodes that do not agree."""
        lines = []
        for node in nodes:
            try:
                view = node.get("/api/v0/state/root")
                wanted = node.get("/api/v0/sync/gaps").get("gaps") or []
                peers = ", ".join(f"{peer['address']} {peer['connected_seconds']} s" for peer in node.peers())
                lines.append(f"  {node.name}: root {view['live'][:16]}, {len(wanted)} gaps, peers: {peers or 'none'}")
                lines += [f"    {gap}" for gap in wanted[:3]]
            except OSError as error:
                lines.append(f"  {node.name}: {error}")
        return "\n".join(lines)

    def lone_node(self):
        """A node that never sees any other: what it makes of the messages is right."""
        place = self.world.place("alone")
        node = Node(place, Key("alone"), self.folder / "alone", self.program, {"enabled": False})
        node.configure(self.profile, [])
        node.start()
        node.wait_until_it_answers()
        return node

    def stop(self):
        """Asks all to end, which they have to do well."""
        ends = {node.name: node.stop() for node in self.nodes}
        bad = {name: end for name, end in ends.items() if end != 0}
        if bad:
            raise Failure(f"nodes that were asked to end did not do it well: {bad}")
