"""Bodies and answers of erasing somebody."""

from pydantic import Field

from turnpike.control.web.fields import Body, UserId, View


class PersonEraseBody(Body):
    confirm: UserId = Field(description="The person's id once more: this cannot be taken back.")


class PersonErasedView(View):
    user_id: str = Field(description="Under which sums stay in the ledger. It means nobody any more.")
    pseudonym: str
    complete: bool = Field(
        description="False while names of keys are still taken out of many rows of calls; that goes on by itself."
    )
