"""Moto's server on a free port of loopback, one request at a time, until standard input closes."""

import os
import sys
import threading
import time

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.sqs.models import SQSBackend
from werkzeug.serving import make_server

# Moto keeps its state in plain objects that threads may see half changed: two transactions could
# both be the first. AWS is atomic, so requests wait for each other.
turn = threading.Lock()
app = DomainDispatcherApplication(create_backend_app)


def in_turn(environ, start_response):
    if environ.get("HTTP_X_AMZ_TARGET") == "AmazonSQS.ReceiveMessage":
        return app(environ, start_response)
    with turn:
        return app(environ, start_response)


receive_now = SQSBackend.receive_message


def receive(self, queue_name, count, wait_seconds_timeout, *rest, **options):
    """Waits for messages without keeping others from their turn."""
    end = time.monotonic() + wait_seconds_timeout
    while True:
        with turn:
            messages = receive_now(self, queue_name, count, 0, *rest, **options)
        if messages or time.monotonic() >= end:
            return messages
        time.sleep(0.05)


SQSBackend.receive_message = receive

# A parent that was killed closes it too, so that no server is left behind.
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server = make_server("127.0.0.1", 0, in_turn, threaded=True, request_handler=MotoRequestHandler)
# Where moto's own state machines find its queues.
os.environ["MOTO_PORT"] = str(server.port)
server.log_startup()
server.serve_forever()
