"""A disk of a few pages in a mount namespace of its own, which ends with the process that holds it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PAGE = 4096
_MOUNT = "/mnt"
_FILES = 10_000


@dataclass
class Disk:
    """A small tmpfs. `path` leads into it from outside of its namespace."""

    holder: subprocess.Popen[str]
    path: Path

    def tell(self, command: str) -> None:
        """Run a shell command where the disk is mounted. Raises `OSError` if it fails."""
        assert self.holder.stdin
        assert self.holder.stdout
        self.holder.stdin.write(f"{command} >&2 2>/dev/null; echo $?\n")
        self.holder.stdin.flush()
        answer = self.holder.stdout.readline().strip()
        if answer != "0":
            raise OSError(f"{command}: {answer or 'no answer'}")

    def resize(self, size: int, files: int = _FILES) -> None:
        """Give it so many bytes and so many files and folders."""
        self.tell(f"mount -i -o remount,size={size},nr_inodes={files} tmpfs {_MOUNT}")

    @property
    def free(self) -> int:
        """Bytes that are free."""
        state = os.statvfs(self.path)
        return state.f_bavail * state.f_bsize

    def fill(self, leave: int = 0) -> None:
        """Take all space but so many bytes."""
        with (self.path / "filler").open("ab") as filler:
            filler.write(b"\0" * max(0, self.free - leave))

    def empty(self) -> None:
        """Give back what `fill` took."""
        (self.path / "filler").unlink(missing_ok=True)


@contextmanager
def small_disk(size: int) -> Iterator[Disk]:
    """A disk of so many bytes. Raises `OSError` where no disk can be mounted."""
    options = ["-m"] if os.geteuid() == 0 else ["-r", "-m"]
    holder = subprocess.Popen(
        ["unshare", *options, "sh"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        disk = Disk(holder, Path(f"/proc/{holder.pid}/root{_MOUNT}"))
        disk.tell(f"mount -t tmpfs -o size={size},nr_inodes={_FILES} tmpfs {_MOUNT}")
        yield disk
    finally:
        holder.kill()
        holder.communicate()
