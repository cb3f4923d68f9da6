// Makes a key, finds it in the list, changes it as the version that was read, and shows what a failure looks like.
// node examples/keys.ts http://127.0.0.1:8080 tp-...
import { data, TurnpikeError, turnpike } from "../src/index.ts";

declare const process: { argv: string[] };
const [, , baseUrl, key] = process.argv;
const gateway = turnpike({ baseUrl, key });

const made = await data(
  gateway.POST("/api/v1/keys", {
    params: { header: { "Idempotency-Key": "typescript-example" } },
    body: { name: "typescript", scopes: ["models:read"] },
  }),
);
const listed = await data(gateway.GET("/api/v1/keys", { params: { query: { search: "typescript" } } }));
const path = { key_id: made.id };
const read = await gateway.GET("/api/v1/keys/{key_id}", { params: { path } });
const etag = read.response.headers.get("etag") ?? "";
const change = { params: { path, header: { "If-Match": etag } }, body: { name: "typescript, renamed" } };
const renamed = await data(gateway.PATCH("/api/v1/keys/{key_id}", change));
let refused = "";
try {
  await data(gateway.PATCH("/api/v1/keys/{key_id}", change));
} catch (error) {
  if (error instanceof TurnpikeError) refused = error.code;
}
console.log(JSON.stringify({ listed: listed.map((each) => each.name), renamed: renamed.name, refused }));
