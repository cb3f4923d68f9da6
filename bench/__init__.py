"""Measurements that anyone can run: `make bench`. Everything is measured in one run and shown as ratios to nginx,
because ratios hold from machine to machine and absolute figures do not."""
