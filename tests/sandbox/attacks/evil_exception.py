# verdict: runtime_error
class Evil(BaseException):
    def __str__(self):
        raise Evil

    __repr__ = __str__

    @property
    def __class__(self):
        raise Evil


raise Evil
