"""Media inside JSON: data URLs (RFC 2397) as OpenAI's forms carry images and files."""

from turnpike.errors import InvalidRequest


def is_data_url(url: str) -> bool:
    return url[:5].lower() == "data:"


def read_data_url(url: str, param: str) -> tuple[str, str]:
    """Media type and base64 data. Raises InvalidRequest for a data URL that is not base64."""
    head, comma, data = url[5:].partition(",")
    media_type, *options = head.split(";")
    if not comma or "base64" not in (option.strip().lower() for option in options):
        raise InvalidRequest(
            f"`{param}` is a data URL without base64 data: `data:<media type>;base64,<data>` is expected.",
            details={"param": param},
        )
    return media_type.strip().lower() or "application/octet-stream", data


def data_url(media_type: str, data: str) -> str:
    return f"data:{media_type};base64,{data}"
