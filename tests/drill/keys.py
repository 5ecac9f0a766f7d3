"""Keys: ed25519 (RFC 8032), by which accounts of Solana sign and nodes are named.

Slow, and not safe against anybody who measures time; the keys are derived from names anyway.
"""

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

# A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.
ZERO = (0, 1, 1, 0)


def _add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _base():
    y = 4 * pow(5, P - 2, P) % P
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x & 1:
        x = P - x
    return (x, y, 1, x * y % P)


def _powers():
    powers, point = [], _base()
    for _ in range(256):
        powers.append(point)
        point = _add(point, point)
    return powers


# The base point doubled 0 to 255 times: multiplying it is adding some of these.
POWERS = _powers()


def _times_base(scalar):
    result = ZERO
    for bit, point in enumerate(POWERS):
        if scalar >> bit & 1:
            result = _add(result, point)
    return result


def _compress(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


class Key:
    """The key called `name`."""

    def __init__(self, name):
        self.seed = hashlib.sha256(b"alephd-drill-" + name.encode()).digest()
        digest = hashlib.sha512(self.seed).digest()
        self._scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
        self._prefix = digest[32:]
        self.public = _compress(_times_base(self._scalar))

    def sign(self, text):
        nonce = _number(self._prefix, text) % ORDER
        point = _compress(_times_base(nonce))
        challenge = _number(point, self.public, text)
        return point + ((nonce + challenge * self._scalar) % ORDER).to_bytes(32, "little")

    def address(self):
        """The name of the account of Solana."""
        return base58(self.public)

    def peer_id(self):
        """The name of the node: an identity multihash of libp2p's encoding of the key."""
        return base58(b"\x00\x24\x08\x01\x12\x20" + self.public)

    def der(self):
        """The private key in PKCS#8, what `p2p.key_file` wants."""
        return bytes.fromhex("302e020100300506032b657004220420") + self.seed


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text
