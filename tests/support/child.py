"""Child processes that never outlive the test run."""

import ctypes
import os
import signal
import socket
import subprocess

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def spawn(argv, **options):
    """subprocess.Popen whose child the kernel kills when the thread that called this ends.

    Call it from the main thread. The child gets its own process group, so that a Ctrl-C at the
    terminal reaches pytest alone and fixtures end the children in their order.
    """
    parent = os.getpid()

    def guard():
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died before the guard was set
            os._exit(1)

    return subprocess.Popen(argv, preexec_fn=guard, process_group=0, **options)


def end(process, sig=signal.SIGTERM, timeout=10.0):
    """Signals a child, waits for it and returns its exit code; kills it when it takes too long."""
    if process.poll() is None:
        # A stopped process could not act on the signal. SIGCONT goes first: behind it, it could
        # discard the stop by which LeakSanitizer, at the process' end, waits for its threads.
        process.send_signal(signal.SIGCONT)
        process.send_signal(sig)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"process {process.pid} did not end within {timeout} s") from None


def free_port(low=20000, high=32000):
    """A port nobody uses now, below the range the kernel takes ports for connections from."""
    for _ in range(200):
        port = low + int.from_bytes(os.urandom(4), "big") % (high - low)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {low} and {high}")


def refused_port():
    """A bound socket that does not listen, and its port: connections to it are refused."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock, sock.getsockname()[1]
