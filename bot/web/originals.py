"""The file that an article's text was taken from, as it was taken in: proven against its sidecar at every download."""

import hashlib
from pathlib import Path

from fastapi.responses import PlainTextResponse, Response

from bot.types import Source


def original(source: Source, corpus: Path) -> Response:
    """Return the original of ``source`` as a download, never as a page: it may hold script.

    The name is the sidecar's, which was checked when the corpus was read; it is looked at again, as the folder may have
    changed since.
    """
    if source.original is None:
        return PlainTextResponse("This article was taken in as text: there is no other file.", 404)
    path = corpus / source.original
    try:
        data = path.read_bytes() if path.resolve().parent == corpus.resolve() else b""
    except OSError:
        data = b""
    if hashlib.sha256(data).hexdigest() != source.original_sha256:
        return PlainTextResponse("The file is not the one that the text was taken from.", 404)
    name = f'attachment; filename="{source.original}"'
    return Response(data, media_type="application/octet-stream", headers={"content-disposition": name})
