"""The way in, shown when a server is ready: address, the first key once, a call that works, what comes next."""

import json
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from turnpike import __version__
from turnpike.kit.logs import Log


@dataclass(frozen=True)
class Command:
    """How the command is called here: its name or path, and the folder where it was given, for the other commands need
    it as well."""

    name: str
    data_dir: Path | None = None

    def line(self, words: str) -> str:
        """`keys list` to what a person can type here."""
        folder = f" --data-dir {shlex.quote(str(self.data_dir))}" if self.data_dir is not None else ""
        return f"{self.name} {words}{folder}"


@dataclass(frozen=True)
class Facts:
    """What there is to show."""

    url: str
    data_dir: Path
    first_key_file: Path
    model: str | None
    """One that can chat; None when there is none."""
    simulated: bool
    """Whether only the built-in simulator answers."""
    command: Command
    link: str | None = None
    """By which the first administrator sets a password; None where nobody needs one."""
    complete: bool = True
    """False when it is not known what is registered: control could not say, and the log says why."""


def command_name() -> str:
    """`turnpike`, or the path that it was called by where the shell would not find it; with the folder it works on."""
    called = Path(sys.argv[0])
    found = shutil.which("turnpike")
    if found is not None and called.exists() and Path(found).samefile(called):
        words = ["turnpike"]
    elif called.name == "turnpike":
        words = [_short(called)]
    else:
        words = [_short(Path(sys.executable)), "-m", "turnpike.cli"]
    return shlex.join(words)


def _short(path: Path) -> str:
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def first_call(url: str, model: str, key: str) -> str:
    """A shell command. `key` is inserted as it is: a key, or a shell expression for one."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello!"}]})
    return (
        f"curl {url}/v1/chat/completions \\\n"
        f'  -H "Authorization: Bearer {key}" \\\n'
        f'  -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(body)}"
    )


def take_first_key(file: Path) -> str | None:
    """The first administrator's key, once: the file is gone afterwards. None when there is none any more."""
    try:
        key = file.read_text().strip()
        file.unlink()
    except FileNotFoundError:
        return None
    return key or None


def for_a_person(facts: Facts, key: str | None) -> str:
    lines = [
        "",
        f"  Turnpike {__version__} is open at {facts.url}   (Ctrl-C stops it)",
        f"  Data: {facts.data_dir}",
        "",
    ]
    if key is not None:
        lines += ["  The administrator's API key, shown this once; keep it:", "", f"    {key}", ""]
    if facts.link is not None:
        lines += ["  The administrator's password is set here, once:", "", f"    {facts.link}", ""]
    if facts.model is not None:
        lines += ["  A first call:", ""]
        lines += [f"    {line}" for line in first_call(facts.url, facts.model, key or "$TURNPIKE_API_KEY").splitlines()]
        lines.append("")
    elif facts.complete:
        lines += ["  There is no model to call yet.", ""]
    else:
        lines += ["  Which models there are could not be asked; the log says why.", ""]
    if facts.simulated:
        lines += ["  Answers come from the built-in simulator: no model, no cost. A real provider:", ""]
    else:
        lines += ["  Next:", ""]
    lines += [
        f"    {facts.command.line(words)}"
        for words in ("providers add openai", "keys create --name my-app", "ledger tail --follow", "doctor")
    ]
    lines.append("")
    return "\n".join(lines) + "\n"


def for_the_log(facts: Facts, log: Log) -> None:
    """Where nobody sits at a terminal the key stays in its file, and the log names the file."""
    if facts.first_key_file.exists():
        log.warning(
            "the administrator's API key is in a file: read it, keep it, delete the file",
            file=str(facts.first_key_file),
        )
        log.info("the administrator sets a password by a link", command=facts.command.line("users link Administrator"))
        key = f"$(cat {shlex.quote(str(facts.first_key_file))})"
    else:
        key = "$TURNPIKE_API_KEY"
    if facts.model is not None:
        log.info("a first call", command=first_call(facts.url, facts.model, key).replace(" \\\n ", ""))
    elif facts.complete:
        log.warning("no model yet", command=facts.command.line("providers add VENDOR"))
