"""A network in a box: namespaces, two switches, and what is done to them.

    n1 ──┐                        ┌── n3
         ├── left ── trunk ── right ── n4
    n2 ──┘                        └── n5

Every node has a network namespace with one cable. The other ends, the switches and the firewall are in
the namespace of the drill itself, which `enter` makes together with one for processes and one for
mounts. So nothing outside is touched, and however the drill ends, the kernel takes everything back:
when the first process of a namespace of processes dies, the others do.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading

CLONE_NEWNET = 0x40000000
INSIDE = "ALEPHD_DRILL_INSIDE"
SKIPPED = 77
NETWORK = "10.77.0"
HUB = "/proc/self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


def run(*command, text=None):
    """Runs a command, and shows what it said if it fails."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def skip(why):
    print(f"skipped: {why}", flush=True)
    sys.exit(SKIPPED)


def inside():
    """The folder of the drill, if this process is in the namespaces that `enter` makes."""
    if INSIDE not in os.environ:
        return None
    lifeline, folder = os.environ[INSIDE].split(":", 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(int(lifeline),), daemon=True).start()
    return pathlib.Path(folder)


def _end_with(lifeline):
    """Nothing comes through it, but its other end closes when the process outside ends."""
    os.read(lifeline, 1)
    os._exit(1)


def enter(folder):
    """Runs this program again, in namespaces of its own, and says how it ended."""
    for tool, package in {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux"}.items():
        if not shutil.which(tool):
            skip(f"needs {tool} (package {package})")
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    attempt = subprocess.run(command + ["true"], capture_output=True, text=True, check=False)
    if attempt.returncode:
        skip(f"needs root, or a system that lets users make namespaces: {attempt.stderr.strip()}")
    lifeline, end = os.pipe()
    environment = {**os.environ, INSIDE: f"{lifeline}:{folder}"}
    process = subprocess.Popen(command + [sys.executable] + sys.argv, pass_fds=[lifeline], env=environment)
    try:
        return process.wait()
    finally:
        os.close(end)
        process.wait()


class Place:
    """A network namespace with one cable to a switch; without a number, with none."""

    def __init__(self, world, name, number):
        self.world = world
        self.name = name
        self.port = f"p-{name}"
        self.address = f"{NETWORK}.{number}" if number else "127.0.0.1"
        run("ip", "netns", "add", name)
        self._file = os.open(f"/run/netns/{name}", os.O_RDONLY)
        self.ip("link", "set", "lo", "up")
        if number:
            run("ip", "link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", name)
            self.ip("address", "add", f"{self.address}/24", "dev", "eth0")
            self.ip("link", "set", "eth0", "up")
            run("ip", "link", "set", self.port, "up")

    def ip(self, *arguments):
        return run("ip", "-n", self.name, *arguments)

    def nft(self, rules):
        return run("nsenter", f"--net=/run/netns/{self.name}", "nft", "-f", "-", text=rules)

    def command(self, *command):
        """`command`, to be run in this place."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *command]

    @contextlib.contextmanager
    def inside(self):
        """What the calling thread opens meanwhile, it opens in this place."""
        _setns(self._file)
        try:
            yield
        finally:
            _setns(self.world.hub)

    def connect(self, address, timeout):
        with self.inside():
            return socket.create_connection(address, timeout)


def _setns(file):
    if _libc.setns(file, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class World:
    """The switches, the trunk between them, and the firewall."""

    def __init__(self, folder, delay=0, jitter=0):
        # The names that `ip netns` gives, and the keys of this drill's firewall, are its own.
        run("mount", "-t", "tmpfs", "none", "/run")
        self.hub = os.open(HUB, os.O_RDONLY)
        self.has_nft = shutil.which("nft") is not None
        self.places = {}
        self._left = set()
        run("ip", "link", "set", "lo", "up")
        for bridge in ("left", "right"):
            # Without it, ports learn for 15 seconds before they forward.
            run("ip", "link", "add", bridge, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
            run("ip", "link", "set", bridge, "up")
        self.slow = None
        if delay or jitter:
            self._user_space_trunk(folder, delay, jitter)
        else:
            run("ip", "link", "add", "trunk-l", "type", "veth", "peer", "name", "trunk-r")
        for port, bridge in (("trunk-l", "left"), ("trunk-r", "right")):
            run("ip", "link", "set", port, "master", bridge)
            run("ip", "link", "set", port, "up")
        if self.has_nft:
            self._nft(
                "add table bridge drill\n"
                "add chain bridge drill cut { type filter hook forward priority 0; }\n"
                "add chain bridge drill loss { type filter hook forward priority 1; }\n"
            )

    def _user_space_trunk(self, folder, delay, jitter):
        command = [sys.executable, "-m", "drill.trunk", str(delay), str(jitter)]
        parent = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        log = open(os.path.join(folder, "trunk.log"), "wb")
        self.slow = subprocess.Popen(command, cwd=parent, stdout=subprocess.PIPE, stderr=log)
        if self.slow.stdout.readline() != b"ready\n":
            raise RuntimeError(f"the trunk does not start: see {log.name}")

    def place(self, name, number=None):
        place = Place(self, name, number)
        if number:
            run("ip", "link", "set", place.port, "master", "right")
        self.places[name] = place
        return place

    def split(self, left):
        """Plugs these places into the left switch and all others into the right one."""
        self._left = set(left)
        for place in self._plugged():
            bridge = "left" if place.name in self._left else "right"
            run("ip", "link", "set", place.port, "master", bridge)
        # The switches still believe that those who moved are beyond the trunk.
        for port in ("trunk-l", "trunk-r"):
            run("ip", "link", "set", port, "type", "bridge_slave", "fdb_flush")

    def cut(self, how):
        """Parts the left from the right. See CUTS."""
        if how == "link":
            run("ip", "link", "set", "trunk-l", "down")
        elif how == "drop":
            self._nft('add rule bridge drill cut iifname "trunk-l" drop\n')
            self._nft('add rule bridge drill cut oifname "trunk-l" drop\n')
        elif how == "one-way":
            self._nft('add rule bridge drill cut oifname "trunk-l" drop\n')
        elif how == "reject":
            for place in self._plugged():
                away = [other.address for other in self._plugged() if self._far(place, other)]
                place.nft(
                    "add table inet drill\n"
                    "add chain inet drill cut { type filter hook output priority 0; }\n"
                    f"add rule inet drill cut ip daddr {{ {', '.join(away)} }}"
                    " meta l4proto tcp reject with tcp reset\n"
                )
        else:
            raise ValueError(how)

    def heal(self):
        """Undoes every cut."""
        run("ip", "link", "set", "trunk-l", "up")
        if self.has_nft:
            self._nft("flush chain bridge drill cut\n")
            for place in self._plugged():
                # Adding first, as there may be none.
                place.nft("add table inet drill\ndelete table inet drill\n")

    def lose(self, percent):
        """Drops so many of a hundred frames between any two places."""
        rule = f"add rule bridge drill loss numgen random mod 100 < {percent} drop\n" if percent else ""
        self._nft("flush chain bridge drill loss\n" + rule)

    def bytes(self):
        """What has passed so far: sent by each place, and over the trunk both ways."""
        links = {link["ifname"]: link["stats64"] for link in json.loads(run("ip", "-s", "-j", "link"))}
        counts = {place.name: links[place.port]["rx"]["bytes"] for place in self._plugged()}
        counts["trunk"] = links["trunk-l"]["rx"]["bytes"] + links["trunk-l"]["tx"]["bytes"]
        return counts

    def _plugged(self):
        return [place for place in self.places.values() if place.address != "127.0.0.1"]

    def _far(self, one, other):
        return (one.name in self._left) != (other.name in self._left)

    def _nft(self, rules):
        return run("nft", "-f", "-", text=rules)


# Ways of parting a network: what they need, and what they look like to the nodes.
CUTS = {
    "link": "the cable between the switches is pulled: frames vanish",
    "drop": "a firewall drops what passes between the switches (nftables)",
    "one-way": "a firewall drops what passes from the right to the left, but not the other way (nftables)",
    "reject": "each node's connections to the other side are reset at once (nftables)",
}
