"""A cable between the two switches that delays frames and changes their order.

    python3 -m drill.trunk DELAY JITTER      milliseconds, of each way

Two TAP devices, and every frame that enters one leaves the other after DELAY plus or minus up to
JITTER, each frame by its own dice. Whatever jitter exceeds the distance between two frames changes their
order. It is for kernels without `netem`; some ten thousand frames a second pass.
"""

import fcntl
import heapq
import os
import random
import selectors
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
# More frames on the way than this are dropped, as a cable's sender would.
MOST = 20_000
FRAME = 65_536


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def carry(left, right, delay, jitter):
    other = {left: right, right: left}
    selector = selectors.DefaultSelector()
    for tap in other:
        selector.register(tap, selectors.EVENT_READ)
    under_way, count = [], 0
    while True:
        wait = max(0, under_way[0][0] - time.monotonic()) if under_way else None
        for key, _ in selector.select(wait):
            try:
                frame = os.read(key.fd, FRAME)
            except OSError:  # taken back, or the device is down
                continue
            if len(under_way) < MOST:
                due = time.monotonic() + max(0, delay + random.uniform(-jitter, jitter)) / 1000
                count += 1
                heapq.heappush(under_way, (due, count, other[key.fd], frame))
        now = time.monotonic()
        while under_way and under_way[0][0] <= now:
            _, _, tap, frame = heapq.heappop(under_way)
            try:
                os.write(tap, frame)
            except OSError:  # a device that is down takes nothing
                pass


def main():
    delay, jitter = (float(argument) for argument in sys.argv[1:3])
    left, right = open_tap("trunk-l"), open_tap("trunk-r")
    print("ready", flush=True)
    carry(left, right, delay, jitter)


if __name__ == "__main__":
    main()
