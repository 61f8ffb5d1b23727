"""System calls: a child may compute, wait, and read and write the descriptors it has; nothing else.

The filter is an allow-list: what it does not name fails, as will calls that do not exist yet.
So there is no open, exec, fork, socket, mount, ptrace, memfd or io_uring, and with them gone there is no file to read, no
process to leave behind and nobody to talk to. Of what programs need a part, that part is allowed, by the arguments.

The rules are compiled by libseccomp, which knows the numbers of every architecture. A call by the numbers of another one
ends the process.
"""

import ctypes
import errno
import os
import signal
import struct
from collections.abc import Sequence
from typing import Any

from .kernel import call

__all__ = ["compiled", "load"]

_ANY_ARGUMENTS = """
    read write readv writev pread64 pwrite64 preadv pwritev close fstat lseek fadvise64 fstatfs fsync fdatasync ftruncate
    dup dup2 dup3 pipe pipe2 close_range eventfd eventfd2 poll ppoll select pselect6
    epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
    recvfrom shutdown getsockopt setsockopt getsockname getpeername
    mmap mprotect munmap brk mremap madvise msync mincore membarrier
    futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list set_tid_address rseq arch_prctl
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait sigaltstack restart_syscall pause
    nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times getitimer setitimer alarm
    getpid gettid getppid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp getpgid getsid
    getrusage getrlimit sysinfo uname getcpu getpriority getcwd umask getrandom wait4 waitid exit exit_group
    sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min
"""
_BY_PATH = "open openat stat lstat statx access faccessat faccessat2 readlink readlinkat"
_ANY_PID = 0x5EA1ED00  # stands for the number of the process in the compiled rules; no process has it
_AS_OPERAND = struct.Struct("=I")
_SET_FILTER, _BY_PROGRAM, _INSTRUCTION = 22, 2, 8  # the last is bytes
_NAMESPACES = 0x2000000 | 0x4000000 | 0x8000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x20000
_THREAD = 0x10000
_STACK_LIMIT = 3
_UNIX, _STREAM, _SOCKET_TYPE = 1, 1, 0xF
_EMPTY_PATH = 0x1000
_LOW_WORD = 0xFFFFFFFF  # of an argument that the kernel takes as int
_SET_NAME, _GET_NAME, _GET_DUMPABLE, _NAME_MEMORY = 15, 16, 3, 0x53564D41
_TERMINAL_QUESTIONS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
_DESCRIPTOR_QUESTIONS = (0, 1, 2, 3, 4, 1030, 1032)  # F_DUPFD F_GETFD F_SETFD F_GETFL F_SETFL F_DUPFD_CLOEXEC F_GETPIPE_SZ


def compiled() -> bytes:
    """The rules as the kernel takes them; `load` puts a process's own number into them.

    Raises `ImportError` where the binding is not installed, `RuntimeError` where libseccomp is not.
    """
    rules = _Rules()
    with os.fdopen(os.memfd_create("filter"), "w+b") as file:
        rules.filter.export_bpf(file)
        file.seek(0)
        return file.read()


def load(code: bytes, pid: int) -> None:
    """Put the calling process, whose number is `pid`, under the rules for good. Raises `OSError` where that is refused."""
    own = code.replace(_AS_OPERAND.pack(_ANY_PID), _AS_OPERAND.pack(pid))
    buffer = ctypes.create_string_buffer(own, len(own))
    call("prctl", _SET_FILTER, _BY_PROGRAM, struct.pack("@HP", len(own) // _INSTRUCTION, ctypes.addressof(buffer)), 0, 0)


class _Rules:
    def __init__(self) -> None:
        import pyseccomp  # noqa: PLC0415  (it looks for the library while it is imported, and there may be none)

        self._library: Any = pyseccomp
        self.filter: Any = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
        self.filter.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
        for name in _ANY_ARGUMENTS.split():
            self._allow(name)
        for name in _BY_PATH.split():  # no file is there: programs know what to do without one
            self._fail(errno.ENOENT, name)
        self._allow_parts()

    def _allow_parts(self) -> None:
        arg, equal, unequal = self._library.Arg, self._library.EQ, self._library.NE

        def word(number: int, value: int, mask: int = _LOW_WORD) -> Any:
            return arg(number, self._library.MASKED_EQ, mask, value)

        self._allow("clone", word(0, _THREAD, _NAMESPACES | _THREAD))
        self._fail(errno.ENOSYS, "clone3")  # its flags lie in memory, out of sight; the C library falls back to clone
        # Signals to itself, but not SIGKILL: who was killed was killed by us, or by the kernel for want of memory.
        self._allow("kill", arg(0, equal, _ANY_PID), arg(1, unequal, int(signal.SIGKILL)))
        self._allow("tgkill", arg(0, equal, _ANY_PID), arg(2, unequal, int(signal.SIGKILL)))
        self._allow("prlimit64", arg(0, equal, 0), arg(2, equal, 0))
        self._allow("prlimit64", arg(0, equal, 0), arg(1, equal, _STACK_LIMIT))
        self._allow("newfstatat", word(3, _EMPTY_PATH, _EMPTY_PATH))  # what fstat is in some C libraries
        self._fail(errno.ENOENT, "newfstatat", word(3, 0, _EMPTY_PATH))
        # An event loop wakes itself through a pair of stream sockets. A datagram pair could send to any named socket.
        self._allow("socketpair", word(0, _UNIX), word(1, _STREAM, _SOCKET_TYPE))
        self._allow("sendto", arg(4, equal, 0))
        for request in _TERMINAL_QUESTIONS:
            self._allow("ioctl", word(1, request))
        for request in _DESCRIPTOR_QUESTIONS:
            self._allow("fcntl", word(1, request))
        for request in (_SET_NAME, _GET_NAME, _GET_DUMPABLE, _NAME_MEMORY):
            self._allow("prctl", word(0, request))

    def _allow(self, name: str, *arguments: Any) -> None:
        self._add(self._library.ALLOW, name, arguments)

    def _fail(self, error: int, name: str, *arguments: Any) -> None:
        self._add(self._library.ERRNO(error), name, arguments)

    def _add(self, action: int, name: str, arguments: Sequence[Any]) -> None:
        number = self._library.resolve_syscall(self._library.Arch.NATIVE, name)
        if number >= 0:  # not every call exists on every architecture
            self.filter.add_rule(action, number, *arguments)
