"""Forms as the simulator reads them: with the standard library's parser of messages, which has nothing in common with
the gateway's, so that each checks the other."""

from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import msgspec


class File(msgspec.Struct, frozen=True):
    name: str
    filename: str
    data: bytes


def read_form(content_type: str, body: bytes) -> tuple[dict[str, Any], list[File]] | None:
    """Fields and files; None for what is no form. A name that ends in `[]` holds a list."""
    if not content_type.lower().startswith("multipart/form-data"):
        return None
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart() or message.defects:
        return None
    fields: dict[str, Any] = {}
    files: list[File] = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(data, bytes):
            return None
        filename = part.get_filename()
        if filename is not None:
            files.append(File(name, filename, data))
        elif name.endswith("[]"):
            fields.setdefault(name, []).append(data.decode())
        else:
            fields[name] = data.decode()
    return fields, files
