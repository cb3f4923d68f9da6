"""What the simulator keeps: files, batches, stored answers and other objects, in memory, numbered as they come.

Like a vendor's account it belongs to the credential and not to a person: who may call sees everything.
"""

from turnpike.simulator.exchange import Operation
from turnpike.simulator.storage import batches, completions, containers, files, jobs, message_batches, plain, stored

OPERATIONS: tuple[Operation, ...] = (
    *files.OPERATIONS,
    *batches.OPERATIONS,
    *message_batches.OPERATIONS,
    *jobs.OPERATIONS,
    *containers.OPERATIONS,
    *plain.OPERATIONS,
    *stored.OPERATIONS,
    *completions.OPERATIONS,
)
