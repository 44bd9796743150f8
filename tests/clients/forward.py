"""What Python programs do with fluent-logger: HOST PORT."""

import logging
import sys

from fluent import handler

host, port = sys.argv[1:]
fluent = handler.FluentHandler("orders", host=host, port=int(port), nanosecond_precision=True)
fluent.setFormatter(handler.FluentRecordFormatter({"host": "%(hostname)s", "level": "%(levelname)s"}))
logger = logging.getLogger("orders")
logger.setLevel(logging.INFO)
logger.addHandler(fluent)
logger.warning("order 7 is late")
logger.warning("order 8 is late")
fluent.close()
