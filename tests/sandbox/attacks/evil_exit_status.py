# verdict: runtime_error
class Evil:
    def __eq__(self, other):
        return True

    def __str__(self):
        raise SystemExit(0)

    __format__ = __repr__ = __str__


raise SystemExit(Evil())
