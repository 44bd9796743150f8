"""Does what systemd does with a service and its socket: opens a TCP socket, says its address, and starts
or ends the program, which inherits the socket, at each line "start" or "stop". PROGRAM ARGUMENTS..."""

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys

listener = socket.create_server(("127.0.0.1", 0))
print("address 127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
# Out of the way of where it is to be.
descriptor = fcntl.fcntl(listener, fcntl.F_DUPFD_CLOEXEC, 100)
# The process id that systemd names is known to the process itself only.
command = ["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh", *sys.argv[1:]]
libc = ctypes.CDLL(None)


def prepare():
    os.dup2(descriptor, 3)
    # PR_SET_PDEATHSIG: it ends with this program, however that ends.
    libc.prctl(1, signal.SIGKILL)


running = None
for line in sys.stdin:
    if line == "start\n":
        running = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, close_fds=False, preexec_fn=prepare
        )
    else:
        running.send_signal(signal.SIGTERM)
        print("ended with %d" % running.wait(), file=sys.stderr, flush=True)
