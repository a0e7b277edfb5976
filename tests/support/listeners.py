"""Listeners that are not a nats-server, or pretend to be another."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def listener(greeting: bytes, *, hang_up: bool = False) -> Iterator[str]:
    """Yield the URL of a listener that says `greeting` to everyone, and then nothing, or good-bye."""
    clients: list[socket.socket] = []

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            client.sendall(greeting)
            if hang_up:
                client.close()
            else:
                clients.append(client)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=serve, args=(listening,))
        thread.start()
        try:
            yield f"nats://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)  # wakes accept()
            thread.join()
            for client in clients:
                client.close()
