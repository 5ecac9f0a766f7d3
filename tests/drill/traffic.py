"""What is published, and what it has to come to.

Both sides of a cut write in the name of the same accounts, amend the same posts, set the same fields of
the same documents, store the same files, and forget what the other side goes on using. The times of
the two sides interleave, so neither simply comes after the other.
"""

import json
import random

from . import messages
from .keys import Key
from .messages import START, sha256

ACCOUNTS = 6
FIELDS = ["alpha", "beta", "gamma", "delta"]
# A content of this size is not sent inline: its hash is, and it has to be fetched.
LARGE_BODY = 60_000


class Write:
    """One message, and the files that its author uploads before it."""

    def __init__(self, message, files=()):
        self.message = message
        self.files = list(files)
        if message.content_file:
            self.files.append(message.content_file)

    def names(self):
        """The names of its files."""
        return [sha256(data) for data in self.files]


class Traffic:
    def __init__(self, seed, largest_file):
        self.random = random.Random(seed)
        self.largest_file = largest_file
        self.keys = [Key(f"account-{number}") for number in range(ACCOUNTS)]
        self.time = START
        # Messages that are known everywhere, and so can be referred to from both sides.
        self.posts, self.elements, self.stores = [], [], []
        self.files = {}
        self.forgotten = set()
        self.amended = {}
        self.writes = []

    def common(self, count):
        """Writes for everybody."""
        return self._settle(self._side(count, 0, 1))

    def sides(self, counts):
        """Writes for each side, of which the other knows nothing."""
        start = self.time
        sides = []
        for number, count in enumerate(counts):
            self.time = start + number
            sides.append(self._side(count, number, len(counts)))
        self.time = start + len(counts) * (max(counts) + 1)
        for side in sides:
            self._settle(side)
        return sides

    def expected(self, message):
        """The status that a message has to have at the end."""
        return "forgotten" if message.hash in self.forgotten else "processed"

    def kept_files(self):
        """The files that everybody has to have: hash and size."""
        kept = {}
        for write in self.writes:
            message = write.message
            if message.kind == "STORE" and message.hash not in self.forgotten:
                kept[message.file] = len(self.files[message.file])
        return kept

    def news(self, writes, others):
        """Bytes of messages and files in `writes` that are not in `others`."""
        known = {name for write in others for name in write.names()}
        known |= {name for write in self.writes if write not in writes for name in write.names()}
        files = {sha256(data): len(data) for write in writes for data in write.files}
        texts = sum(len(json.dumps(write.message.wire)) for write in writes)
        return texts + sum(length for name, length in files.items() if name not in known)

    def _side(self, count, number, of):
        # What this side has forgotten it uses no more; the other side does not know of it.
        own = {"posts": list(self.posts), "elements": list(self.elements), "stores": list(self.stores)}
        writes = []
        for _ in range(count):
            self.time += of
            writes.append(self._one(own, number))
        return writes

    def _one(self, own, side):
        dice, key, now = self.random.random(), self.random.choice(self.keys), self.time
        body = f"written on side {side} at {now}: 100 % of it, ünïcode and %41"
        if dice < 0.15 and own["posts"]:
            return Write(messages.amend(self.random.choice(own["posts"]), body, now))
        if dice < 0.25:
            pool = self.random.choice([pool for pool in own.values() if pool] or [[]])
            if pool:
                target = pool.pop(self.random.randrange(len(pool)))
                return Write(messages.forget(target, now))
        if dice < 0.45:
            fields = {name: now for name in self.random.sample(FIELDS, 2)}
            element = messages.aggregate(key, self.random.choice(["profile", "settings"]), fields, now)
            own["elements"].append(element)
            return Write(element)
        if dice < 0.60:
            return self._store(own, key, now)
        large = dice < 0.68
        post = messages.post(key, body * (LARGE_BODY // len(body)) if large else body, now, inline=not large)
        own["posts"].append(post)
        return Write(post)

    def _store(self, own, key, now):
        # One in three is a file that somebody, perhaps of the other side, has stored before.
        if self.files and self.random.random() < 0.33:
            data = self.random.choice(list(self.files.values()))
        else:
            data = self.random.randbytes(int(self.largest_file ** self.random.random()) + 1)
        name = sha256(data)
        self.files[name] = data
        store = messages.store(key, name, now)
        own["stores"].append(store)
        return Write(store, [data])

    def _settle(self, writes):
        """The writes are on their way to everybody."""
        self.writes += writes
        for write in writes:
            message = write.message
            if message.kind == "FORGET":
                self.forgotten |= set(message.targets)
            elif message.amends:
                self.amended.setdefault(message.amends, []).append(message.hash)
            elif message.kind == "POST":
                self.posts.append(message)
            elif message.kind == "AGGREGATE":
                self.elements.append(message)
            elif message.kind == "STORE":
                self.stores.append(message)
        for original, amends in self.amended.items():
            if original in self.forgotten:
                self.forgotten |= set(amends)
        for pool in (self.posts, self.elements, self.stores):
            pool[:] = [message for message in pool if message.hash not in self.forgotten]
        return writes
