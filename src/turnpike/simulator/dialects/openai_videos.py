"""POST /v1/videos with a JSON body: a job that is queued, with the seconds and the size that were asked for.

Source: the OpenAI API reference, "Create video".
"""

import hashlib

from turnpike.simulator.dialects import openai
from turnpike.simulator.dialects.fields import FieldError, maybe, one_of, take
from turnpike.simulator.exchange import Answer, Call, Operation, json_answer

SECONDS = ("4", "8", "12")
SIZES = ("720x1280", "1280x720", "1024x1792", "1792x1024")
CREATED_S = 1_767_225_600


def create(call: Call) -> Answer:
    data = call.data
    try:
        model = maybe(data, "model", str) or "sora-2"
        openai.refuse_missing_model(model)
        prompt = take(data, "prompt", str)
        seconds = one_of(maybe(data, "seconds", str) or SECONDS[0], SECONDS, "seconds")
        size = one_of(maybe(data, "size", str) or SIZES[0], SIZES, "size")
    except FieldError as error:
        raise openai.refused_field(error) from error
    name = hashlib.blake2b(f"{prompt} {call.number}".encode(), digest_size=8).hexdigest()
    job = {
        "id": f"video_{name}", "object": "video", "model": model, "status": "queued", "progress": 0,
        "created_at": CREATED_S, "completed_at": None, "expires_at": None, "error": None, "prompt": prompt,
        "remixed_from_video_id": None, "seconds": seconds, "size": size,
    }  # fmt: skip
    return json_answer(job, openai.OPENAI.headers(call.number))


OPERATIONS = (Operation("POST", "/v1/videos", openai.vendor, create),)
