"""The ledger as people read it: lists, one row, sums, exports. Its rows are written by turnpike.control.drain."""
