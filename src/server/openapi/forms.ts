/** Documents piece by piece, as JSON and as protobuf: a document may be larger than what should be held at once. */

import { Pacer } from "#base/pacer.ts";
import { WireWriter } from "#machinery/codecs/wire-writer.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { type MessageWriter, withProperties } from "./gnostic.ts";
import { documentV2, propertiesV2 } from "./gnostic-v2.ts";
import { documentV3, propertiesV3 } from "./gnostic-v3.ts";
import type { Entry } from "./group-version.ts";
import { swaggerParameters } from "./swagger.ts";

export type Form = "json" | "protobuf";

export interface Parts {
  readonly specification: 2 | 3;
  readonly version: string;
  paths(): Iterable<Entry>;
  /** `undefined` where others may have their turn. */
  schemas(): Iterable<Entry | undefined>;
}

const title = "Kubernetes";
const bearer: JsonObject = { BearerToken: { type: "apiKey", name: "authorization", in: "header" } };
const security = [{ BearerToken: [] }];
/** Pieces are handed on when they have come to this. */
const pieceBytes = 64 * 1024;
const nothing = Buffer.alloc(0);

/** The bytes of a document, other requests having their turn meanwhile. */
export const piecesOf = (parts: Parts, form: Form): AsyncGenerator<Buffer> =>
  form === "json" ? textPieces(jsonTexts(parts)) : bytePieces(protobufPieces(parts));

/** Texts are put together before they become bytes: bytes lie outside the heap, where garbage is collected late. */
async function* textPieces(texts: Iterable<string>): AsyncGenerator<Buffer> {
  const pacer = new Pacer();
  let waiting: string[] = [];
  let length = 0;
  for (const text of texts) {
    waiting.push(text);
    length += text.length;
    if (length >= pieceBytes) {
      yield Buffer.from(waiting.join(""), "utf8");
      waiting = [];
      length = 0;
    }
    const turn = pacer.turn();
    if (turn !== undefined) await turn;
  }
  if (length > 0) yield Buffer.from(waiting.join(""), "utf8");
}

async function* bytePieces(pieces: Iterable<Buffer>): AsyncGenerator<Buffer> {
  const pacer = new Pacer();
  let waiting: Buffer[] = [];
  let size = 0;
  for (const piece of pieces) {
    waiting.push(piece);
    size += piece.length;
    if (size >= pieceBytes) {
      yield Buffer.concat(waiting, size);
      waiting = [];
      size = 0;
    }
    const turn = pacer.turn();
    if (turn !== undefined) await turn;
  }
  if (size > 0) yield Buffer.concat(waiting, size);
}

function* jsonTexts(parts: Parts): Generator<string> {
  const info = writeJson({ title, version: parts.version });
  const [head, between, tail] =
    parts.specification === 3
      ? [
          `{"openapi":"3.0.0","info":${info},"paths":{`,
          `},"components":{"schemas":{`,
          `},"securitySchemes":${writeJson(bearer)}},"security":${writeJson(security)}}`,
        ]
      : [
          `{"swagger":"2.0","info":${info},"paths":{`,
          `},"definitions":{`,
          `},"parameters":${writeJson(swaggerParameters())},"securityDefinitions":${writeJson(bearer)},"security":${writeJson(security)}}`,
        ];
  yield head;
  yield* jsonMembers(parts.paths());
  yield between;
  yield* jsonMembers(parts.schemas());
  yield tail;
}

function* jsonMembers(entries: Iterable<Entry | undefined>): Generator<string> {
  let comma = "";
  for (const entry of entries) {
    if (entry === undefined) {
      yield "";
      continue;
    }
    const [name, value] = entry;
    yield `${comma}${writeJson(name)}:${writeJson(value)}`;
    comma = ",";
  }
}

/** Messages that stand one behind the other are merged by whoever reads them: each entry is a document with one member. */
function* protobufPieces(parts: Parts): Generator<Buffer> {
  const out = new WireWriter();
  const info = { title, version: parts.version };
  const v3 = parts.specification === 3;
  const document: MessageWriter = v3 ? documentV3 : documentV2;
  const part = (value: JsonObject): Buffer => {
    document(out, value);
    return out.take();
  };
  yield part(v3 ? { openapi: "3.0.0", info } : { swagger: "2.0", info });
  for (const [name, value] of parts.paths()) yield part({ paths: { [name]: value } });
  for (const entry of parts.schemas()) {
    if (entry === undefined) {
      yield nothing;
      continue;
    }
    const [name, schema] = entry;
    const slices = withProperties(schema, v3 ? propertiesV3 : propertiesV2);
    let step = slices.next();
    for (; step.done !== true; step = slices.next()) yield nothing;
    const value = step.value;
    yield part(v3 ? { components: { schemas: { [name]: value } } } : { definitions: { [name]: value } });
  }
  yield part(
    v3
      ? { components: { securitySchemes: bearer }, security }
      : { parameters: swaggerParameters(), securityDefinitions: bearer, security },
  );
}
