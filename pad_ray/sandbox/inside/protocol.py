"""What travels between the supervisor, a zygote and a child.

Before any program runs: the settings as `marshal` writes them, answered by a Python literal. From then on headers of a
fixed size and plain text.
"""

import struct

JOB = struct.Struct("<IIIII")  # job id, CPU ms, wall ms, characters it may print, bytes of the program, which follows
STATUS = struct.Struct("<IiIIQ")  # job id, wait status, cause, wall in us, CPU in us
FRAME = struct.Struct("<H")  # length of an answer: its code, type name, NUL, text
SETUP_BYTES = 1 << 17
SETUP_FORMAT = 4  # of marshal: every Python from 3.4 on reads it
ENDED, CPU_LIMIT, WALL_LIMIT = 0, 1, 2  # causes: ended by itself or by the kernel, killed by the zygote at a limit
ISOLATED = b"@"  # the child's first byte: every layer is on, what follows comes from the program
