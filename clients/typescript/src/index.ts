// The platform API of a Turnpike gateway. `schema.ts` is generated: run `make client` after a change of the API.
import createClient, { type Client, type ClientOptions } from "openapi-fetch";
import type { components, paths } from "./schema.ts";

export type { components, operations, paths } from "./schema.ts";

/** What answers show, by name: `Schemas["KeyView"]`. */
export type Schemas = components["schemas"];

export interface TurnpikeOptions extends Omit<ClientOptions, "baseUrl"> {
  /** Where the gateway is: `https://gateway.example.com`; without it the page's own origin. */
  baseUrl?: string;
  /** An API key (`tp-...`) or an access token; without it the browser's session cookie is used. */
  key?: string;
  /** The session's CSRF token, for changes with a cookie: `/api/v1/auth/me` tells it. */
  csrfToken?: string;
}

/** Every route of the gateway, typed: `turnpike({ key }).GET("/api/v1/keys")`. */
export function turnpike(options: TurnpikeOptions = {}): Client<paths> {
  const { key, csrfToken, headers, ...rest } = options;
  return createClient<paths>({
    credentials: "same-origin",
    ...rest,
    headers: {
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...(csrfToken ? { "x-csrf-token": csrfToken } : {}),
      ...headers,
    },
  });
}

/** A failed answer as an exception. */
export class TurnpikeError extends Error {
  readonly code: string;
  readonly requestId: string;
  readonly details: Record<string, unknown>;

  constructor(envelope: Schemas["ErrorEnvelope"]) {
    super(envelope.message);
    this.name = "TurnpikeError";
    this.code = envelope.error.code;
    this.requestId = envelope.error.request_id;
    this.details = envelope.error.details ?? {};
  }
}

/** The data of an answer; throws a TurnpikeError when it failed. */
export async function data<T>(
  asked: Promise<{ data?: { data: T }; error?: unknown; response: Response }>,
): Promise<T> {
  const { data: envelope, error } = await asked;
  if (envelope === undefined) throw new TurnpikeError(error as Schemas["ErrorEnvelope"]);
  return envelope.data;
}
