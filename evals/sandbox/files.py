"""Files in memory, by which programs, tests and results pass between the runner and a child."""

import os
from types import TracebackType

__all__ = ["JobFiles", "MemoryFile"]


class MemoryFile:
    """A file without a name. The other side may write to it what and where it likes; reading never trusts its length."""

    def __init__(self, name: str, content: bytes = b"") -> None:
        self.descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]

    @property
    def size(self) -> int:
        """Bytes in it now."""
        return os.fstat(self.descriptor).st_size

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`, or as many of them as there are."""
        parts = []
        while start < end and (part := os.pread(self.descriptor, end - start, start)):
            parts.append(part)
            start += len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Let it go; it is gone when the other side has let it go, too."""
        os.close(self.descriptor)


class JobFiles:
    """The five files of a job; closed when the block is left."""

    def __init__(self, program: bytes, tests: bytes = b"") -> None:
        self.program = MemoryFile("program", program)
        self.tests = MemoryFile("tests", tests)
        self.output = MemoryFile("output")
        self.errors = MemoryFile("errors")
        self.results = MemoryFile("results")
        self._all = [self.program, self.tests, self.output, self.errors, self.results]

    @property
    def descriptors(self) -> list[int]:
        """In the order in which the helper takes them."""
        return [file.descriptor for file in self._all]

    def last_words(self, longest: int = 400) -> str:
        """The end of standard error."""
        size = self.errors.size
        return self.errors.read(max(0, size - longest), size).decode("utf-8", "replace").strip()

    def __enter__(self) -> "JobFiles":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        for file in self._all:
            file.close()
