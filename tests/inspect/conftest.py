import gc
import logging

import pytest


@pytest.fixture(autouse=True)
def apart(monkeypatch, tmp_path):
    """What inspect_ai writes besides its logs goes to a folder of the test; what it changes in the process is put back."""
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "INSPECT_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    gc.collect()  # streams that inspect_ai leaves open warn of it here, where that is expected
