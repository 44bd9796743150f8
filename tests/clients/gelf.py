"""What Python programs do with graypy and pygelf: graypy|pygelf udp|tcp HOST PORT."""

import logging
import sys

import graypy
import pygelf

package, kind, host, port = sys.argv[1:]
port = int(port)
handlers = {
    ("graypy", "udp"): lambda: graypy.GELFUDPHandler(host, port),
    ("graypy", "tcp"): lambda: graypy.GELFTCPHandler(host, port),
    ("pygelf", "udp"): lambda: pygelf.GelfUdpHandler(host, port, include_extra_fields=True),
    ("pygelf", "tcp"): lambda: pygelf.GelfTcpHandler(host, port, include_extra_fields=True),
}
logger = logging.getLogger("orders")
logger.setLevel(logging.DEBUG)
logger.addHandler(handlers[package, kind]())

logger.info("order 7 filled", extra={"client": "acme"})
logger.warning("order 8 is late")
# Longer than a chunk, and of no two equal words, so that packing does not make it fit.
logger.error("order 9 failed: %s", " ".join(str(n * n * 7919) for n in range(2000)))
logging.shutdown()
