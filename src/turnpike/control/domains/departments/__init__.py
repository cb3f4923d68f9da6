"""Departments: what people belong to, and what that gives and allows."""
