"""Runs programs that never end, and says so once all of them have run; to be killed."""

import sys
import threading

from evals.sandbox import Limits
from evals.sandbox.files import JobFiles
from evals.sandbox.helper.packing import pack
from evals.sandbox.server import ForkServer

PROGRAM = b"import time\nif input() == 'on': time.sleep(3600)"


def main() -> None:
    flying = threading.Barrier(int(sys.argv[1]) + 1)

    def fly() -> None:
        with JobFiles(PROGRAM, pack(["first\n", "on\n"])) as files:
            ForkServer().run("stdio", files, Limits(wall=3600.0), tests=2, enough=lambda _: bool(flying.wait() < 0))

    for _ in range(int(sys.argv[1])):
        threading.Thread(target=fly, daemon=True).start()
    flying.wait()
    sys.stdout.write("flying\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
