"""The page behind a one-time link: sets a password and signs in. It works without the console, and before there is one.

The link's token stands in the fragment and is sent in a body only. No outside content; the one script is allowed by
its hash.
"""

import base64
from hashlib import sha256

_STYLE = (
    "body{font:16px system-ui,sans-serif;max-width:24rem;margin:10vh auto;padding:0 1rem;color:#1a1a1a;background:#fff}"
    "label{display:block;margin:1rem 0 .25rem}input{width:100%;padding:.5rem;font:inherit;box-sizing:border-box}"
    "button{margin-top:1.5rem;padding:.5rem 1rem;font:inherit}#said{margin-top:1rem}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}}"
)
_SCRIPT = """
const form = document.querySelector("form"), said = document.querySelector("#said");
const token = location.hash.slice(1);
if (!token) said.textContent = "This page needs the link that you were given, with everything behind the #.";
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
  said.textContent = "…";
  const path = token.startsWith("tpi-") ? "/api/v1/invitations/accept" : "/api/v1/auth/links/use";
  const answer = await fetch(path, {
    method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify({token, ...values}),
  });
  const body = await answer.json();
  if (!answer.ok) { said.textContent = body.message; return; }
  history.replaceState(null, "", location.pathname);
  location.assign("/");
});
"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Welcome to Turnpike</title><style>{_STYLE}</style></head>
<body><h1>Welcome</h1><p>Choose a password for this gateway. The link works once.</p>
<form><label for="email">E-mail <small>(if you were not asked before)</small></label>
<input id="email" name="email" type="email" autocomplete="username">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required>
<button>Set it and sign in</button></form><p id="said" role="status"></p><script>{_SCRIPT}</script></body></html>
"""
