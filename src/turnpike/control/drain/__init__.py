"""From the relays' journals into the ledger, every call exactly once.

`segments` reads one file, `incarnations` one relay's folder, `rows` turns records into rows and totals, `writers` put
them into the database in one transaction, `drain` is the loop, `runner` its thread inside control. Nothing here
serves HTTP, decides what a call costs or writes a journal.
"""
