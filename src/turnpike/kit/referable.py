"""A class whose instances weak references can be made to, compiled or not."""


class Referable:
    """To be derived from beside `__weakref__` among the slots: a compiled class has room for weak references only when
    it comes from one that is not compiled."""

    __slots__ = ()
