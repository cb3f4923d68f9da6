"""What is known of Cohere's models.

Source: https://docs.cohere.com/docs/models and https://docs.cohere.com/docs/reasoning.
"""

_DO_NOT_THINK = (
    "command-r",
    "command-light",
    "command-a-03-2025",
    "command-a-vision",
    "command-a-translate",
    "c4ai-aya",
    "tiny-aya",
)


def reasons(model: str) -> bool:
    """Whether a model takes `thinking`. A name that is not known is given the benefit of the doubt."""
    return not model.lower().rpartition("/")[2].startswith(_DO_NOT_THINK)
