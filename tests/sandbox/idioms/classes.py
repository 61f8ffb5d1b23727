from dataclasses import dataclass, field
from typing import List


@dataclass
class Tally:
    numbers: List[int] = field(default_factory=list)

    def add(self, number: int) -> "Tally":
        self.numbers.append(number)
        return self

    @property
    def total(self) -> int:
        return sum(self.numbers)


class Solution:
    def run(self):
        tally = Tally()
        for _ in range(int(input())):
            tally.add(int(input()))
        print(tally.total)
        print(max(tally.numbers))


Solution().run()
