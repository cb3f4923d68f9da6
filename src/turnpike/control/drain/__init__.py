"""From the relays' journals into the ledger, every call exactly once.

`segments` reads one file, `incarnations` one relay's folder, `rows` turns records into rows and totals, `writers` put
them into the database in one transaction, `drain` is the loop, `runner` keeps it going in a process of its own
(`python -m turnpike.control.drain`), `board` shows control how it is. Nothing here serves HTTP, decides what a call
costs or writes a journal.
"""
