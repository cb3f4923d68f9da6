"""Names and regions with `*` in them."""


def matches(pattern: str, name: str) -> bool:
    """`*` stands for any run of characters, nothing else is special. Linear in the name's length."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    last = rest.pop()
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    place = len(first)
    for part in rest:
        found = name.find(part, place, len(name) - len(last))
        if found < 0:
            return False
        place = found + len(part)
    return True
