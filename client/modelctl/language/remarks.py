"""Remarks of modeld and modelservice, which speak English, in the language in use.

Each template is the English sentence as it is said there; a remark of another form stays as it is. A field called
``why`` or ``error`` holds a remark itself. Failures are not among these: they are the daemon's to word, behind a
headline of ours (``modelctl.errors``) and before a hint (``modelctl.language.hints``).
"""

from modelctl.language.catalogue import marked
from modelctl.language.templates import translated

SYSTEM = (
    marked("No such file or directory"),
    marked("Permission denied"),
    marked("Is a directory"),
    marked("Not a directory"),
    marked("File exists"),
    marked("File name too long"),
    marked("No space left on device"),
    marked("Disk quota exceeded"),
    marked("Read-only file system"),
    marked("Input/output error"),
    marked("Connection refused"),
    marked("Connection reset by peer"),
    marked("Connection timed out"),
    marked("Network is unreachable"),
    marked("No route to host"),
    marked("Name or service not known"),
    marked("Temporary failure in name resolution"),
    marked("[Errno {number}] {error}"),
)
"""What the operating system says of files and connections; Python asks it in English."""

TEMPLATES = (
    # what disturbed a benchmark
    marked("Other programs used {count} cores meanwhile."),
    marked("The decode rate varied by {percent} % between repetitions."),
    # steps of a download
    marked("starting over: {why}"),
    marked("the file on the server has changed"),
    marked("the file on the server has fewer bytes{count} than what we asked for"),
    marked("the server sends the file from its beginning only"),
    marked("the connection ended, and the server has no ranges"),
    marked("its SHA-256 is {found}, and {expected} was expected"),
    marked("{name} was deleted on the way"),
    marked("the server does not know the file by this tag any more"),
    marked("the server answers {status}"),
    marked("the connection ended {count} bytes early"),
    marked("no answer within {seconds} s"),
    marked("nothing came for {seconds} s"),
    marked("the proxy does not let us through: {why}"),
    # files of keys
    marked("{path} cannot be read: {error}."),
    marked("{path} is not a file of keys."),
    marked("{path} belongs to another user."),
    marked("{path} can be read by others, so its secret is none; make new keys, or: chmod 600 {path}"),
    marked("{path} could have been written by another user; it lets in nobody. Mend: chmod 600 {path}"),
    marked("{path}, line {number}, is not a name and a public key."),
)


def said(remark: str) -> str:
    """``remark``, or what the operating system says, in the language in use."""
    return translated(remark, TEMPLATES + SYSTEM)
