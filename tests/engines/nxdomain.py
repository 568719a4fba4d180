"""A name server that knows no name: nxdomain.py ADDRESS answers every question with "no such domain".

An engine under test has no way out of its namespace, so no name can be looked up. Saying so at once is what
a machine with a name server does; silence would cost whoever asks 5 to 10 seconds.
"""

import os
import socket
import sys
import time

NO_SUCH_DOMAIN = 0x8183  # a response, recursion desired and available, code 3 (RFC 1035, 4.1.1)


def answer(query):
    """The reply to one query: its header and question, with the response code and no records."""
    end = 12
    while query[end]:
        end += 1 + query[end]
    question = query[12 : end + 5]  # the name's closing zero, type, class
    return query[:2] + NO_SUCH_DOMAIN.to_bytes(2, "big") + bytes((0, 1, 0, 0, 0, 0, 0, 0)) + question


def main(address):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # The caller goes on here, where nothing more has to be loaded: it is about to put another release's
    # files over /usr, and to set up the address.
    if os.fork():
        os._exit(0)
    wait_for(address)
    server.bind((address, 53))
    while True:
        query, client = server.recvfrom(4096)
        try:
            server.sendto(answer(query), client)
        except (IndexError, OSError):
            pass  # not a question, or the asker is gone


def wait_for(address, seconds=10):
    """Returns when `address` is this namespace's. (A namespace without any address lets one bind to all.)"""
    for _ in range(seconds * 100):
        with open("/proc/net/fib_trie") as addresses:
            if f"-- {address}\n" in addresses.read():
                return
        time.sleep(0.01)
    sys.exit(f"nobody set up the address {address}")


if __name__ == "__main__":
    main(*sys.argv[1:])
