"""Whether an answer is of the file that is wanted, and of the one that we have a part of: the two are never mixed."""

from modeld.downloader.context import Wanted
from modeld.downloader.disk.partial import Partial
from modeld.downloader.failures import PullError, Retry, StartOver
from modeld.downloader.response import Meta
from modeld.protocol.errors import ErrorCode


def suits(wanted: Wanted, meta: Meta, where: str) -> None:
    """See that the first answer of all does not contradict what is known of the file beforehand.

    Raises:
        PullError: it is of another file, so that a download would be for nothing.
    """
    said = meta.linked
    if wanted.sha256 and said.sha256 and wanted.sha256 != said.sha256:
        raise PullError(
            ErrorCode.HASH_MISMATCH,
            f"{where} has SHA-256 {said.sha256} now, and {wanted.sha256} was expected.",
            "Nothing was downloaded. The file there is another one: check the address, or pull with its hash.",
        )
    if wanted.sha256 and wanted.size and meta.size and wanted.size != meta.size:
        raise PullError(
            ErrorCode.HASH_MISMATCH,
            f"{where} has {meta.size:,} bytes, and {wanted.size:,} with SHA-256 {wanted.sha256} were expected.",
            "Nothing was downloaded. The file there is another one: check the address.",
        )


def agrees(partial: Partial, position: int, meta: Meta, sent: str) -> None:
    """See that an answer is of the file that ``partial`` is a part of, and begins at ``position``.

    ``sent`` is the tag that the request named; another connection may have given it up meanwhile.

    Where the hub says that the file is the same, another ETag only means another of its hosts.

    Raises:
        StartOver: another file, or a server that has no ranges.
        Retry: the same file, asked for by a tag that is not known there.
    """
    same = bool(meta.linked.sha256) and meta.linked.sha256 == partial.sha256
    changed = meta.size != partial.size or bool(meta.linked.sha256 and partial.sha256 and not same)
    if meta.etag and partial.validator.startswith('"') and meta.etag != partial.validator:
        if same and meta.start == position:
            partial.validator = meta.validator
        changed = changed or not same
    if changed:
        raise StartOver("the file on the server has changed", changed=True)
    if meta.start != position:
        if sent and same:
            if partial.validator == sent:
                partial.validator = ""
            raise Retry("the server does not know the file by this tag any more", 0.0)
        raise StartOver("the server sends the file from its beginning only", single=True)
