"""Whether an answer is of the expected file, and of the file of the partial download, so that no two are mixed."""

from modeld.downloader.context import ExpectedFile
from modeld.downloader.disk.partial import Partial
from modeld.downloader.failures import PullError, Retry, StartOver
from modeld.downloader.response import Meta
from modeld.protocol.reasons import Reason


def suits(expected: ExpectedFile, meta: Meta, where: str) -> None:
    """Check that the first answer does not contradict what is known of the file beforehand.

    Raises:
        PullError: it is of another file, so a download would be useless.
    """
    announced = meta.linked
    if expected.sha256 and announced.sha256 and expected.sha256 != announced.sha256:
        failure = Reason.OTHER_HASH_OFFERED.failure(url=where, found=announced.sha256, expected=expected.sha256)
        raise PullError(failure)
    if expected.sha256 and expected.size and meta.size and expected.size != meta.size:
        raise PullError(
            Reason.OTHER_SIZE_OFFERED.failure(
                url=where, found=meta.size, expected=expected.size, sha256=expected.sha256
            )
        )


def agrees(partial: Partial, position: int, meta: Meta, sent: str) -> None:
    """Check that an answer is of the same file as ``partial``, and begins at ``position``.

    ``sent`` is the ETag in the request; another connection may have dropped it in the meantime.

    If the hub says that the file is the same, a different ETag only means a different host.

    Raises:
        StartOver: it is another file, or the server has no ranges.
        Retry: it is the same file, and the server does not know the ETag of the request.
    """
    same = bool(meta.linked.sha256) and meta.linked.sha256 == partial.sha256
    changed = meta.size != partial.size or bool(meta.linked.sha256 and partial.sha256 and not same)
    if meta.etag and partial.validator.startswith('"') and meta.etag != partial.validator:
        if same and meta.start == position:
            partial.validator = meta.validator
        changed = changed or not same
    if changed:
        raise StartOver(Reason.FILE_CHANGED.note(), changed=True)
    if meta.start != position:
        if sent and same:
            if partial.validator == sent:
                partial.validator = ""
            raise Retry(Reason.TAG_UNKNOWN.note(), 0.0)
        raise StartOver(Reason.RANGES_REFUSED.note(), single=True)
