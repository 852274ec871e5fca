"""The document of a manifest, for whoever hands the parcels over."""

from shared.carriers import manifests
from shared.carriers.types import Document, KnownManifest
from shared.flows.steps import Run
from shared.kit.errors import Rejected
from shared.platform.db import Transaction
from shared.platform.documents import Documents


class NoManifest(Rejected):
    """There is no document of such a manifest."""

    code = "no_manifest"


class UnknownManifest(NoManifest):
    """There is no such manifest."""

    code = "unknown_manifest"


def print_manifest(run: Run, manifest_id: str, documents: Documents) -> Document:
    """What was kept when it was closed.

    Raises:
        NoManifest: there is no such manifest, it is not closed, or its document is gone.
        DocumentsUnavailable: ask again later.
    """
    kept = documents.get(run(lambda tx: document_of(known_manifest(tx, manifest_id))))
    if kept is None:
        raise NoManifest("its document is not kept any more", manifest_id=manifest_id)
    return Document(kept.content, kept.media_type)


def known_manifest(tx: Transaction, manifest_id: str) -> KnownManifest:
    """The manifest of this id.

    Raises:
        UnknownManifest: there is none.
    """
    manifest = manifests.find(tx, manifest_id)
    if manifest is None:
        raise UnknownManifest("there is no such manifest", manifest_id=manifest_id)
    return manifest


def document_of(manifest: KnownManifest) -> str:
    """Under which key the document of a manifest lies.

    Raises:
        NoManifest: it is not closed.
    """
    if manifest.document_key is None:
        raise NoManifest(
            f"the manifest is {manifest.state}, and only a closed one has a document",
            manifest_id=manifest.manifest_id,
        )
    return manifest.document_key
