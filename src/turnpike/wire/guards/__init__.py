"""What looks at the texts of requests and answers: detectors, rules of them, and the ways through a body or stream.

Pure: bytes and text in, bytes and text out. `spec` is data alone and cheap to import; everything that compiles patterns
(google-re2, linear in the text whatever the pattern) is imported by a relay only when a policy asks for it.
"""
