"""Questions and answers of /api/v1/audit. docs/audit.md says what each field means."""

from typing import Annotated, Any, Literal

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from turnpike.control.audit.signing import Checkpoint
from turnpike.control.domains.audit.repository import EntryFilter, Stored
from turnpike.control.domains.audit.service import Verdict
from turnpike.control.web.envelope import Moment, moment
from turnpike.control.web.fields import Body, UserId, View
from turnpike.kit.pagination import DEFAULT_PER_PAGE, MAX_PAGE, MAX_PER_PAGE, Page

Word = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Seq = Annotated[int, Field(ge=1, le=2**62)]


class _Question(BaseModel):
    """A parameter that is not known is refused: a misspelt filter would otherwise answer with everything."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class _Span(_Question):
    since: AwareDatetime | None = Field(None, alias="from", description="The first moment, RFC 3339.")
    until: AwareDatetime | None = Field(None, alias="to", description="The first moment that is not meant any more.")

    @model_validator(mode="after")
    def _forwards(self) -> "_Span":
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("`from` lies after `to`")
        return self

    @property
    def since_ms(self) -> int | None:
        return None if self.since is None else int(self.since.timestamp() * 1000)

    @property
    def until_ms(self) -> int | None:
        return None if self.until is None else int(self.until.timestamp() * 1000)


class ListQuestion(_Span):
    action: Word | None = Field(None, description="`provider.update`; a `*` at the end: `provider.*`.")
    actor: Literal["user", "operator", "gateway", "anonymous", "scim"] | None = Field(None, description="Who acted.")
    actor_id: Word | None = Field(None, description="Id of the user who acted.")
    key_id: Word | None = None
    department_id: Word | None = None
    object: Word | None = Field(None, description="Kind of what was changed: provider, key, user, ...")
    object_id: Word | None = None
    outcome: Literal["ok", "refused", "failed"] | None = None
    request_id: Word | None = None
    page: int = Field(1, ge=1, le=MAX_PAGE)
    per_page: int = Field(DEFAULT_PER_PAGE, ge=1, le=MAX_PER_PAGE)
    sort: Literal["seq", "-seq"] = "-seq"

    def paged(self) -> Page:
        return Page(self.page, self.per_page)

    def wanted(self) -> EntryFilter:
        return EntryFilter(
            action=self.action,
            actor_kind=self.actor,
            actor_id=self.actor_id,
            key_id=self.key_id,
            department_id=self.department_id,
            object_kind=self.object,
            object_id=self.object_id,
            outcome=self.outcome,
            request_id=self.request_id,
            since_ms=self.since_ms,
            until_ms=self.until_ms,
        )


class ExportQuestion(_Span):
    format: Literal["ndjson", "csv"] = "ndjson"


class VerifyQuestion(_Question):
    from_seq: Seq | None = Field(None, description="The first entry; without it as far back as there is.")
    to_seq: Seq | None = Field(None, description="The last entry; without it the newest.")


class EraseBody(Body):
    user_id: UserId = Field(description="Whose name, addresses and other personal data are removed from the log.")


class CutBody(Body):
    before: AwareDatetime = Field(description="Entries older than this are removed.")


class EntryView(View):
    seq: int
    at: Moment
    action: str
    outcome: str = Field(description="ok; refused: not allowed; failed: allowed, and not possible as it was asked")
    error_code: str | None
    actor: str = Field(description="user, operator (of the machine), gateway (by itself) or anonymous")
    actor_id: str | None
    actor_name: str | None = Field(description="As it was then; null when there is none or it was erased.")
    address: str | None = Field(description="Where it came from; null when not known or erased.")
    key_id: str | None
    department_id: str | None
    object: str | None
    object_id: str | None
    request_id: str | None
    count: int = Field(description="More than 1 where like refusals were put together.")
    changes: Any = Field(description="What changed: fields as [before, after], null where only the change is known.")
    personal_changes: Any = Field(description="The same for personal data, as long as it is not erased.")
    erased: bool
    hash: str


class CheckpointView(View):
    kind: str = Field(description="head, or cut: where retention removed what came before")
    seq: int
    hash: str
    at: Moment
    at_ms: int
    public_key: str
    signature: str


class VerdictView(View):
    ok: bool
    complete: bool = Field(description="False: go on from `last` + 1.")
    first: int
    last: int
    head: int
    entries: int = Field(description="Entries whose hash was computed anew.")
    heads: int = Field(description="Signed heads that fit.")
    erased: int = Field(description="Entries whose personal data was erased on record.")
    signed_seq: int = Field(description="How far a signature reaches: nothing up to this entry can go unseen.")
    signed_at: Moment | None = Field(description="When that was signed.")
    unsigned: int = Field(description="Entries behind it, which nothing signed vouches for yet.")
    broken_seq: int | None
    reason: str | None
    public_key: str


class ErasedView(View):
    entries: int


class CutView(View):
    checkpoint: CheckpointView | None
    removed: int


def view_entry(stored: Stored) -> EntryView:
    entry = stored.entry
    personal: dict[str, Any] = msgspec.json.decode(stored.personal.data) if stored.personal else {}
    return EntryView(
        seq=entry.seq,
        at=moment(entry.at_ms),
        action=entry.action,
        outcome=entry.outcome,
        error_code=entry.error_code,
        actor=entry.actor_kind,
        actor_id=entry.actor_id,
        actor_name=personal.get("actor"),
        address=personal.get("address"),
        key_id=entry.key_id,
        department_id=entry.department_id,
        object=entry.object_kind,
        object_id=entry.object_id,
        request_id=entry.request_id,
        count=entry.count,
        changes=None if entry.changes is None else msgspec.json.decode(entry.changes),
        personal_changes=personal.get("values"),
        erased=stored.erased,
        hash=entry.hash,
    )


def view_checkpoint(checkpoint: Checkpoint) -> CheckpointView:
    return CheckpointView(at=moment(checkpoint.at_ms), **msgspec.structs.asdict(checkpoint))


def view_verdict(verdict: Verdict, public_key: str) -> VerdictView:
    broken, signed = verdict.broken, verdict.signed
    return VerdictView(
        ok=broken is None,
        complete=verdict.complete,
        first=verdict.first,
        last=verdict.last,
        head=verdict.head,
        entries=verdict.entries,
        heads=verdict.heads,
        erased=verdict.erased,
        signed_seq=signed.seq if signed else 0,
        signed_at=moment(signed.at_ms) if signed else None,
        unsigned=max(0, verdict.head - (signed.seq if signed else 0)),
        broken_seq=broken.seq if broken else None,
        reason=broken.reason if broken else None,
        public_key=public_key,
    )
