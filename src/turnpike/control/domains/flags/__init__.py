"""Feature flags: values that differ by department, person, role or a share of the people."""
