"""Does what systemd does with a .socket unit: opens sockets and becomes the program, which inherits
them from descriptor 3 on. DIRECTORY PROGRAM ARGUMENTS..."""

import fcntl
import os
import socket
import sys

directory, program = sys.argv[1], sys.argv[2:]
sockets = []
for family, kind, address in [
    (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
    (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
    (socket.AF_UNIX, socket.SOCK_STREAM, f"{directory}/stream"),
    (socket.AF_UNIX, socket.SOCK_DGRAM, f"{directory}/datagrams"),
]:
    opened = socket.socket(family, kind)
    opened.bind(address)
    if kind == socket.SOCK_STREAM:
        opened.listen()
    # Out of the way of where they are to be.
    sockets.append(fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 100))
for number, descriptor in enumerate(sockets):
    os.dup2(descriptor, 3 + number, inheritable=True)
os.environ.update(LISTEN_FDS=str(len(sockets)), LISTEN_PID=str(os.getpid()))
os.execv(program[0], program)
