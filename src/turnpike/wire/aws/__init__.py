"""What Amazon's APIs have in common beside their bodies: how a request is signed. No I/O, no clock."""
