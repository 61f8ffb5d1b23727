# verdict: wrong_answer
import atexit

atexit.register(print, "and more")
print(int(input()) ** 2)
