"""The settings as a command sees them: the environment, `.env`, and the options that were given."""

from pydantic import ValidationError

from turnpike.cli.options import Common
from turnpike.errors import ConfigurationError
from turnpike.settings import Settings


def load_settings(common: Common, **given: object) -> Settings:
    """`given` are options by the name of their setting; None leaves it to the environment. A command line wins.

    Raises ConfigurationError that names each setting which is wrong, without repeating a value: it may be a secret.
    """
    values = {name: value for name, value in given.items() if value is not None}
    if common.data_dir is not None:
        values["data_dir"] = common.data_dir
    try:
        return Settings(**values)  # pyright: ignore[reportArgumentType] - Pydantic checks them
    except ValidationError as error:
        raise ConfigurationError("; ".join(_explain(one, values) for one in error.errors())) from None


def _explain(error: object, given: dict[str, object]) -> str:
    assert isinstance(error, dict)
    location: tuple[str | int, ...] = error["loc"]
    message = str(error["msg"]).removeprefix("Value error, ")
    if not location:
        return message
    name = str(location[0])
    option = "--" + name.replace("_", "-")
    return f"{option if name in given else 'TURNPIKE_' + name.removeprefix('turnpike_').upper()}: {message}"
