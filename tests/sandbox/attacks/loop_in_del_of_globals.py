# verdict: time_limit
class Slow:
    def __del__(self):
        while True:
            pass


slow = Slow()
globals().clear()
