"""Money that calls may cost: purses of lent slices, and the gates that reserve from them before a call is sent.

`Money` is the relay's: which budgets a call falls under, and what is said to control. A `Purse` is one budget's, a
`Pot` one period's of it. `MoneyGate` reserves a call's bound from all its purses at once; where one has too little the
call waits up to three seconds for money that comes back, and is refused only then.
"""
