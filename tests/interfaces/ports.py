"""Ports for the servers that tests start."""

import random
import socket


def free_port(together: int = 1) -> int:
    """The first of `together` consecutive ports free on 127.0.0.1.

    Taken from below the range (32768-60999 on Linux) that the system hands to outgoing connections: a port of that range
    may be free when asked for and taken a moment later by any test beside this one that connects to its database.
    """
    while True:
        first = random.SystemRandom().randrange(20_000, 32_000)
        held: list[socket.socket] = []
        try:
            for port in range(first, first + together):
                held.append(socket.socket())
                held[-1].bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for one in held:
                one.close()
