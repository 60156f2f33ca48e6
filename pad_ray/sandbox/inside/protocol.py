"""The messages between the supervisor, a zygote and a child.

Before any program runs, the supervisor sends the settings in `marshal` format and the zygote answers with a Python literal.
Later messages are headers of fixed size and plain text.
"""

import struct

JOB = struct.Struct(
    "<IIIII"
)  # job id, CPU ms, wall ms, maximum characters of output, bytes of the program that follows
STATUS = struct.Struct("<IiIIQ")  # job id, wait status, cause, wall time in us, CPU time in us
FRAME = struct.Struct("<H")  # length of an answer: its code, type name, NUL, text
SETUP_BYTES = 1 << 17
SETUP_FORMAT = 4  # marshal version that Python 3.4 and later can read
ENDED, CPU_LIMIT, WALL_LIMIT = 0, 1, 2  # causes: ended by itself or the kernel; killed by the zygote at a limit
ISOLATED = b"@"  # the child's first byte: every layer is active; the bytes that follow come from the program
