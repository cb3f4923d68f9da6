"""What relay and control say to each other: types and their encoding, no behaviour of either side.

Versioned by `CONTRACT_VERSION`: a change that an older side could not read raises it, and a side that meets another
version refuses with a clear word instead of guessing.
"""

CONTRACT_VERSION = 2
