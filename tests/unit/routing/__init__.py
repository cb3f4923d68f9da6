"""Where requests go, without a process."""
