// The Vercel AI SDK as its users run it, with nothing changed but base URL and key. It speaks the protocol of
// tests/conformance/clients: a case a line in, an answer a line out.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  embedMany,
  experimental_generateSpeech as generateSpeech,
  experimental_transcribe as transcribe,
  generateImage,
  generateText,
  Output,
  stepCountIs,
  streamText,
  tool,
} from "ai";
import { createInterface } from "node:readline";
import { z } from "zod";

const PROMPT = "hello";
const TEXTS = ["red fox", "blue sky"];

// A second of silence: 16 bits, 8 kHz, one channel.
const RECORDING = Buffer.alloc(44 + 16000);
RECORDING.write("RIFF", 0);
RECORDING.writeUInt32LE(36 + 16000, 4);
RECORDING.write("WAVEfmt ", 8);
Buffer.from("1000000001000100401f0000803e000002001000", "hex").copy(RECORDING, 16);
RECORDING.write("data", 36);
RECORDING.writeUInt32LE(16000, 40);

const openai = ({ url, key }) => createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
const compatible = ({ url, key }) =>
  createOpenAICompatible({
    name: "turnpike",
    baseURL: `${url}/v1`,
    apiKey: key,
    supportsStructuredOutputs: true,
  });
const anthropic = ({ url, key }) => createAnthropic({ baseURL: `${url}/v1`, apiKey: key });
const google = ({ url, key }) => createGoogle({ baseURL: `${url}/v1beta`, apiKey: key });

const MODELS = {
  "ai-sdk-openai": (asked) => openai(asked).chat(asked.model),
  "ai-sdk-openai-responses": (asked) => openai(asked)(asked.model),
  "ai-sdk-openai-compatible": (asked) => compatible(asked)(asked.model),
  "ai-sdk-anthropic": (asked) => anthropic(asked)(asked.model),
  "ai-sdk-google": (asked) => google(asked)(asked.model),
};

const EMBEDDINGS = {
  "ai-sdk-openai": (asked) => openai(asked).embedding(asked.model),
  "ai-sdk-openai-compatible": (asked) => compatible(asked).embeddingModel(asked.model),
  "ai-sdk-google": (asked) => google(asked).embedding(asked.model),
};

const common = (asked) => ({ model: MODELS[asked.sdk](asked), maxRetries: 0 });
const tokens = (usage) => [usage.inputTokens, usage.outputTokens];

async function chat(asked) {
  const { text, usage } = await generateText({ ...common(asked), prompt: PROMPT });
  return { text, usage: tokens(usage) };
}

async function stream(asked) {
  let failed;
  const result = streamText({ ...common(asked), prompt: PROMPT, onError: ({ error }) => (failed = error) });
  const pieces = [];
  for await (const piece of result.textStream) if (piece) pieces.push(piece);
  if (failed) throw failed;
  return { text: pieces.join(""), pieces: pieces.length };
}

async function tools(asked) {
  const calls = [];
  const weather = tool({
    description: "Weather at a place",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      calls.push(["get_weather", { city }]);
      return `sunny in ${city}`;
    },
  });
  const { text } = await generateText({
    ...common(asked),
    prompt: "weather? [tool]",
    tools: { get_weather: weather },
    stopWhen: stepCountIs(3),
  });
  return { text, calls };
}

async function structured(asked) {
  const schema = z.object({ name: z.string(), age: z.number().int() });
  const { output } = await generateText({ ...common(asked), prompt: PROMPT, output: Output.object({ schema }) });
  return { value: output };
}

async function embeddings(asked) {
  const { embeddings: vectors } = await embedMany({
    model: EMBEDDINGS[asked.sdk](asked),
    values: TEXTS,
    maxRetries: 0,
  });
  return { vectors };
}

async function image(asked) {
  const { image: made } = await generateImage({ model: openai(asked).image(asked.model), prompt: PROMPT, maxRetries: 0 });
  return { begins: Buffer.from(made.uint8Array.slice(0, 4)).toString("hex") };
}

async function speech(asked) {
  const { audio } = await generateSpeech({
    model: openai(asked).speech(asked.model),
    text: PROMPT,
    voice: "alloy",
    maxRetries: 0,
  });
  return { bytes: audio.uint8Array.length };
}

async function transcription(asked) {
  const model = openai(asked).transcription(asked.model);
  const { text } = await transcribe({ model, audio: RECORDING, maxRetries: 0 });
  return { text };
}

const DOINGS = { image, speech, transcription, chat, stream, tools, structured, embeddings };

function raised(error) {
  const cause = error.lastError ?? error;
  return {
    raised: [cause.name, `status ${cause.statusCode}`],
    message: cause.message,
    trace: cause.stack,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const doing = DOINGS[asked.do];
  let result;
  try {
    result = doing ? await doing(asked) : { missing: true };
  } catch (error) {
    result = raised(error);
  }
  process.stdout.write(`${JSON.stringify({ name: asked.name, ...result })}\n`);
}
