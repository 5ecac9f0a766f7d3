"""What a drill says, and how it fails."""

import time

BEGIN = time.monotonic()


class Failure(Exception):
    """What was promised does not hold."""


def say(text):
    print(f"{time.monotonic() - BEGIN:7.1f} s  {text}", flush=True)


def sizes(counts):
    """Bytes by name, for people."""
    return ", ".join(f"{name} {size(count)}" for name, count in counts.items())


def size(count):
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def until(what, limit, holds, every=0.25):
    """Waits until `holds()` is true, and says how long it took. What cannot be asked does not hold."""
    begin = time.monotonic()
    while True:
        try:
            if holds():
                return time.monotonic() - begin
        except OSError:
            pass
        if time.monotonic() - begin > limit:
            raise Failure(f"not within {limit:.0f} s: {what}")
        time.sleep(every)
