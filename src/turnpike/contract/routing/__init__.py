"""Where a request may go, and why: pure functions over the snapshot, the same for the relay that sends it and for
control that explains it.

    standing    what one caller may use
    naming      which rows of the catalog a word means
    residency   which policies hold for a request, and which regions they leave open
    conditions  which rule of a route a request meets
    hashing     stable shares and sticky orders
    planning    all of it together: every deployment that comes into question, and what keeps it in or out
"""
