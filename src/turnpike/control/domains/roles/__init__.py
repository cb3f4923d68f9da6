"""Roles that administrators make of the permissions of turnpike.control.rights."""
