"""Running an installation and looking after it."""

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": (
        "serve:serve",
        """Run the gateway.

Makes its data folder, secrets and database on the first start, and shows the
first API key once: on a terminal, else in a file that the log names. Provider
keys in the environment and model servers on this machine are offered as
providers. Where there is none, a simulator answers. SIGTERM or Ctrl-C lets
running requests finish; a second one ends at once.

With --json the log is JSON, and one object says where the server is, on
standard output, once it serves.

For example:

    turnpike serve
    turnpike serve --port 8090 --yes
    turnpike serve --host 0.0.0.0 --relays 4 --data-dir /var/lib/turnpike
""",
    ),
    "simulate": (
        "simulate:simulate",
        """Run a simulated provider, to try things without a model or a cost.

It answers in every dialect that Turnpike speaks, and fails in every way that
providers do when it is asked to. When it serves it writes the line
`turnpike-ready PORT`. A server that was given no provider runs one of its
own.

For example, in two terminals:

    turnpike simulate --port 8089
    turnpike providers add simulator --allow-address 127.0.0.1/32 \\
        --base-url http://127.0.0.1:8089/v1
""",
    ),
    "db upgrade": (
        "database:upgrade",
        """Bring the database to this release's tables.

A server does this by itself when it starts. The command is for those who
migrate before they start the first server of a new release, and for a
database that several machines share.

For example:

    turnpike db upgrade
""",
    ),
    "secrets rotate": (
        "secrets:rotate",
        """Encrypt every stored secret anew with a new key.

The new key is made in the data folder's secrets.json and put first; the old
ones stay behind it, so that a backup can still be read, until
--forget-old-keys. Where TURNPIKE_SECRET_KEYS is set, put the new key first
there, restart, and run this. It may be repeated, and goes on where it was
stopped.

For example:

    turnpike secrets rotate
    turnpike secrets rotate --forget-old-keys
""",
    ),
    "doctor": (
        "doctor:doctor",
        """Say what is wrong with an installation, and how to mend it.

It mends nothing by itself. The exit code is 1 when something is wrong.

For example:

    turnpike doctor
    turnpike doctor --data-dir /var/lib/turnpike --json
""",
    ),
    "version": (
        "version:version",
        """Say which release this is.

For example:

    turnpike version --json
""",
    ),
}
