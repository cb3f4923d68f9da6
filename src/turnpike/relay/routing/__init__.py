"""Where calls go: plans, the strategies that choose within them, and copies for mirrors.

What a route means is read in turnpike.contract.routing; here it is compiled once for each kind of caller, so that a
call pays for a choice and nothing else.

    plan        the targets of a kind of call, in the order of trying
    strategies  which one of a group of targets
    router      which plan, where that depends on the call
    mirror      a copy of a call whose answer nobody gets
"""
