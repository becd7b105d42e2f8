"""Runs a program in a network that has nothing but loopback.

The one way out is a forwarder, from a port of that loopback to a Unix socket of the
outside; there is no way in. Arguments: the port, the socket, the program and its own.
"""
import ctypes
import fcntl
import os
import socket
import struct
import sys
import threading

CLONE_NEWUSER, CLONE_NEWNET, SIOCSIFFLAGS, IFF_UP = 0x10000000, 0x40000000, 0x8914, 1
port, outside, program = int(sys.argv[1]), sys.argv[2], sys.argv[3:]

uid, gid = os.getuid(), os.getgid()
if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
    sys.exit("no network of its own: " + os.strerror(ctypes.get_errno()))
for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
    with open("/proc/self/" + name, "w") as file:
        file.write(text)
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
listener = socket.create_server(("127.0.0.1", port))

alive, held = os.pipe()
if os.fork() > 0:
    os.set_inheritable(held, True)  # the forwarder ends with the last that has it
    os.execv(program[0], program)
os.close(held)


def copy(source, target):
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        target.close()


def accept():
    while True:
        inner, _ = listener.accept()
        outer = socket.socket(socket.AF_UNIX)
        outer.connect(outside)
        for pair in ((inner, outer), (outer, inner)):
            threading.Thread(target=copy, args=pair, daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
os.read(alive, 1)
os._exit(0)
