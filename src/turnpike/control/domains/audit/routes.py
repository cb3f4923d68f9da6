"""/api/v1/audit: who changed what, who was refused what, and the proof that it is all there."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse

from turnpike.control.audit.signing import Signer
from turnpike.control.domains.audit import service
from turnpike.control.domains.audit.export import export
from turnpike.control.domains.audit.repository import heads
from turnpike.control.domains.audit.schemas import (
    CheckpointView,
    CutBody,
    CutView,
    EntryView,
    EraseBody,
    ErasedView,
    ExportQuestion,
    ListQuestion,
    VerdictView,
    VerifyQuestion,
    view_checkpoint,
    view_entry,
    view_verdict,
)
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.downloads import described, download
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.params import Paged
from turnpike.control.web.principal import May, Principal, Services
from turnpike.errors import Conflict

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])
Viewer = Annotated[Principal, Depends(May(Permission.VIEW_AUDIT))]
Verifier = Annotated[Principal, Depends(May(Permission.VERIFY_AUDIT))]
Eraser = Annotated[Principal, Depends(May(Permission.ERASE_AUDIT))]
EntrySeq = Annotated[int, Path(ge=1, le=2**62)]


def _signer(control: Services) -> Signer:
    return service.signer_of(control.sealer)


Signing = Annotated[Signer, Depends(_signer)]


@router.get("")
async def list_entries(
    actor: Viewer, session: Reading, question: Annotated[ListQuestion, Query()]
) -> Envelope[list[EntryView]]:
    """Entries, the newest first."""
    page = question.paged()
    newest = question.sort == "-seq"
    rows, total = await service.find(session, actor.scope, question.wanted(), page, newest_first=newest)
    return page_of([view_entry(row) for row in rows], page, total)


@router.get("/verify")
async def verify(
    _: Verifier, session: Reading, signer: Signing, question: Annotated[VerifyQuestion, Query()]
) -> Envelope[VerdictView]:
    """Recomputes the chain and checks its signatures, up to 50,000 entries an answer; names the first broken entry."""
    verdict = await service.verify(session, signer, question.from_seq, question.to_seq)
    return ok(view_verdict(verdict, signer.public_key))


@router.get("/heads")
async def list_heads(_: Verifier, session: Reading, page: Paged) -> Envelope[list[CheckpointView]]:
    """Signed heads, the newest first. Kept elsewhere, they prove later that nothing before them was changed."""
    found, total = await heads(session, page)
    return page_of([view_checkpoint(checkpoint) for checkpoint in found], page, total)


@router.post("/heads", status_code=201)
async def sign_head(_: Verifier, session: Writing, signer: Signing) -> Envelope[CheckpointView]:
    """Signs where the chain stands now."""
    checkpoint = await service.sign_head(session, signer)
    if checkpoint is None:
        raise Conflict("The audit log is empty: there is nothing to sign.")
    return ok(view_checkpoint(checkpoint))


@router.post("/erase")
async def erase(_: Eraser, session: Writing, body: EraseBody) -> Envelope[ErasedView]:
    """Removes a person's name, addresses and other personal data from the log; the chain stays whole."""
    count = await service.erase_person(session, body.user_id)
    return ok(ErasedView(entries=count), f"Personal data was removed from {count} entries.")


@router.post("/cut")
async def cut(_: Eraser, control: Services, signer: Signing, body: CutBody) -> Envelope[CutView]:
    """Removes what is older than a moment, behind a signed mark: the rest stays verifiable."""
    async with control.database.write() as session:
        checkpoint = await service.cut(session, signer, int(body.before.timestamp() * 1000))
    removed = await service.remove_cut(control.database) if checkpoint else 0
    view = view_checkpoint(checkpoint) if checkpoint else None
    return ok(CutView(checkpoint=view, removed=removed), f"{removed} entries were removed.")


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=described("The chain with its proof."),
)
async def export_log(
    _: Verifier, control: Services, signer: Signing, question: Annotated[ExportQuestion, Query()]
) -> StreamingResponse:
    """A part of the chain without gaps, oldest first, with the signed heads in it."""
    parts = export(control.database, signer, question.since_ms, question.until_ms, question.format)
    return await download(parts, "turnpike-audit", question.format)


@router.get("/{seq}")
async def get_entry(actor: Viewer, session: Reading, seq: EntrySeq) -> Envelope[EntryView]:
    return ok(view_entry(await service.get(session, actor.scope, seq)))
