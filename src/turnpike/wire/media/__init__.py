"""Operations whose requests are forms or whose answers are no JSON: what their dialects share.

`dialect` is their interface, `watch` follows an answer as it goes by, `usage` reads what OpenAI's media endpoints
report, `audio` tells how long a recording is. Knows formats only: the relay carries the bytes.
"""
