"""What Python programs do with pylogbeat: HOST PORT COUNT [CA CERT KEY]. A window that is not
acknowledged is sent again."""

import sys
import time

from pylogbeat import PyLogBeatClient

host, port, count, *tls = sys.argv[1:]
options = dict(zip(["ca_certs", "certfile", "keyfile"], tls))


def client():
    return PyLogBeatClient(host, int(port), timeout=5, ssl_enable=bool(tls), **options)


sender = client()
for first in range(1, int(count) + 1, 10):
    numbers = range(first, min(first + 10, int(count) + 1))
    events = [
        {
            "@metadata": {"beat": "orders"},
            "message": f"thread 1 number {number}",
            "log": {"level": "warn"},
            "host": {"name": "web1"},
        }
        for number in numbers
    ]
    while True:
        try:
            sender.send(events)
            break
        except Exception:
            time.sleep(0.05)
            sender = client()
sender.close()
