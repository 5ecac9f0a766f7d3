"""Signed messages, one at a time."""

import hashlib
import json

from .keys import base58

# The first second of 2025: before files cost anything, so that nobody needs a balance.
START = 1_735_689_600


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Message:
    """A signed message. `content_file` is its content where that is not in the message."""

    def __init__(self, key, kind, content, time, inline=True):
        content = {"address": key.address(), "time": time, **content}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        self.kind = kind
        # The names of what it forgets, of what it amends, and of its file.
        self.targets, self.amends, self.file = (), None, None
        self.owner = key
        self.hash = sha256(text.encode())
        self.content_file = None if inline else text.encode()
        signed = "\n".join(["SOL", key.address(), kind, self.hash])
        signature = base58(key.sign(signed.encode()))
        signature = {"signature": signature, "publicKey": key.address(), "version": 1}
        self.wire = {
            "chain": "SOL",
            "sender": key.address(),
            "type": kind,
            "channel": "DRILL",
            "time": time,
            "item_type": "inline" if inline else "storage",
            "item_hash": self.hash,
            "item_content": text if inline else None,
            "signature": json.dumps(signature),
        }


def post(key, body, time, inline=True):
    return Message(key, "POST", {"type": "drill", "content": {"body": body}}, time, inline)


def amend(original, body, time):
    content = {"type": "amend", "ref": original.hash, "content": {"body": body}}
    message = Message(original.owner, "POST", content, time)
    message.amends = original.hash
    return message


def aggregate(key, name, fields, time):
    return Message(key, "AGGREGATE", {"key": name, "content": fields}, time)


def store(key, file_hash, time):
    message = Message(key, "STORE", {"item_type": "storage", "item_hash": file_hash}, time)
    message.file = file_hash
    return message


def forget(target, time):
    message = Message(target.owner, "FORGET", {"hashes": [target.hash]}, time)
    message.targets = (target.hash,)
    return message
