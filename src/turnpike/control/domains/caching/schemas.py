"""Questions and answers of /api/v1/cache."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from turnpike.contract.caching import MAX_TTL_S
from turnpike.control.web.envelope import Moment
from turnpike.control.web.fields import Body, ModelName, UserId, View, refuse_null

Ttl = Annotated[int, Field(ge=1, le=MAX_TTL_S, description="How long an answer is given again, in seconds.")]
Mode = Annotated[
    Literal["off", "exact", "exact+semantic"],
    Field(description="`off` is an exception from a wider rule; `exact+semantic` answers near questions too."),
]
SharingName = Annotated[
    Literal["user", "department", "gateway"],
    Field(description="Who may be given an answer that was made for somebody: only they, their department, everybody."),
]
EntryBytes = Annotated[int, Field(ge=1024, le=64 * 1024 * 1024, description="The largest answer that is kept.")]
Wait = Annotated[
    float,
    Field(
        ge=0,
        le=300,
        description="How many seconds a request waits for another one that asks the same; 0: it asks too.",
    ),
]
Threshold = Annotated[
    float, Field(ge=0.5, le=1, description="Cosine similarity from which on a question counts as the same.")
]


class CacheRuleBody(Body):
    model: ModelName = Field(default="*", description="A model's name; `*` stands for any run of characters.")
    key_id: UserId | None = Field(default=None, description="Only for this key.")
    department_id: UserId | None = Field(default=None, description="Only for people of this department.")
    mode: Mode = "exact"
    ttl_s: Ttl = 3600
    sharing: SharingName = "user"
    max_entry_bytes: EntryBytes = 1024 * 1024
    wait_s: Wait = 0.0
    threshold: Threshold = 0.95
    embedding_model: ModelName | None = Field(
        default=None, description="The model that compares questions, for `exact+semantic`; callers must be allowed it."
    )
    is_active: bool = True

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.mode == "exact+semantic" and self.embedding_model is None:
            raise ValueError("embedding_model is needed for the mode exact+semantic")
        return self


class CacheRulePatch(Body):
    model: ModelName | None = None
    key_id: UserId | None = None
    department_id: UserId | None = None
    mode: Mode | None = None
    ttl_s: Ttl | None = None
    sharing: SharingName | None = None
    max_entry_bytes: EntryBytes | None = None
    wait_s: Wait | None = None
    threshold: Threshold | None = None
    embedding_model: ModelName | None = None
    is_active: bool | None = None

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "key_id", "department_id", "embedding_model")
        return self


class CacheRuleView(View):
    id: str
    model: str
    key_id: str | None
    department_id: str | None
    mode: str
    ttl_s: int
    sharing: str
    max_entry_bytes: int
    wait_s: float
    threshold: float
    embedding_model: str | None
    is_active: bool
    created_at: Moment
    updated_at: Moment


class ClearBody(Body):
    """Without a field everything is cleared; with several, what has all of them."""

    model: ModelName | None = Field(default=None, description="Answers of this model, by its own name.")
    key_id: UserId | None = Field(default=None, description="Answers that were made for this key.")
    user_id: UserId | None = Field(default=None, description="Answers that were made for this person.")


class ClearedView(View):
    cleared: int | None = Field(
        description="Answers deleted from the shared store; null: it cannot be reached, and they are only not given"
        " any more. Relays forget theirs besides."
    )
    at: Moment


class StatsView(View):
    store: str = Field(description="`disk`, `redis` or `off`.")
    reachable: bool
    entries: int | None = Field(description="Answers in the shared store.")
    size_bytes: int | None
    hits: int = Field(description="Calls since the relays were started, as all counts here.")
    semantic: int
    misses: int
    bypasses: int = Field(description="Calls under a rule that no cache can answer.")
    late: int = Field(description="Times that the shared store did not answer in time.")
    hit_rate: float | None = Field(description="Of hits, semantic ones included, among them and misses.")
    memory_entries: int
    memory_bytes: int
    saved_nanousd: int
    saved_usd: str
