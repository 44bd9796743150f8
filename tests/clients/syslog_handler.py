"""What a Python program does with the standard library's SysLogHandler: udp|tcp|unix ADDRESS."""

import logging
import os
import socket
import sys
from logging.handlers import SysLogHandler

kind, address = sys.argv[1:]
if kind == "unix":
    handler = SysLogHandler(address)
else:
    host, port = address.rsplit(":", 1)
    sort = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM
    handler = SysLogHandler((host, int(port)), socktype=sort)
handler.ident = f"orders[{os.getpid()}]: "
logger = logging.getLogger("orders")
logger.setLevel(logging.DEBUG)
logger.addHandler(handler)

logger.debug("looking at order 6")
logger.info("order 7 filled")
logger.warning("order %d is late", 8)
# As `logger.exception` has it, but for the lines that name this file.
logger.error("order 9 failed\nTraceback (most recent call last):\nValueError: no such order")
logging.shutdown()
