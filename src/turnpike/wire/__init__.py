"""Pure knowledge of formats: bytes in, bytes out. No I/O, no framework, no settings."""
