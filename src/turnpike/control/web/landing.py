"""The page at `/`, for whoever opens the gateway's address in a browser."""

from turnpike import __version__

PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Turnpike</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 4rem auto; padding: 0 1rem; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #16181d; color: #e6e6e6; }} a {{ color: #8ab4f8; }} }}
code {{ background: #8882; padding: .1em .3em; border-radius: .2em; }}
li {{ margin: .4rem 0; }}
</style>
</head>
<body>
<main>
<h1>Turnpike</h1>
<p>One road to every AI model. This is a gateway: programs call models through it, at one address, with one key.</p>
<ul>
<li>Model calls: <code>POST /v1/chat/completions</code>, <code>/v1/messages</code>, <code>/v1/embeddings</code>,
with any OpenAI or Anthropic SDK.</li>
<li>The models that a key may use: <code>GET /v1/models</code>.</li>
<li><a href="/api/v1/docs">The platform's API</a>: keys, providers, models
(<a href="/api/v1/openapi.json">OpenAPI</a>).</li>
<li><a href="/health">Health</a>.</li>
</ul>
<p>Version {__version__}.</p>
</main>
</body>
</html>
"""
