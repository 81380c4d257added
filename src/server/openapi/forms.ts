/** Documents piece by piece, as JSON and as protobuf: a document may be larger than what should be held at once. */

import { Pacer } from "#base/pacer.ts";
import { WireWriter } from "#machinery/codecs/wire-writer.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import type { MessageWriter } from "./gnostic.ts";
import { documentV2 } from "./gnostic-v2.ts";
import { documentV3 } from "./gnostic-v3.ts";
import type { Entry } from "./group-version.ts";
import { swaggerParameters } from "./swagger.ts";

export type Form = "json" | "protobuf";

export interface Parts {
  readonly specification: 2 | 3;
  readonly version: string;
  paths(): Iterable<Entry>;
  schemas(): Iterable<Entry>;
}

const title = "Kubernetes";
const bearer: JsonObject = { BearerToken: { type: "apiKey", name: "authorization", in: "header" } };
const security = [{ BearerToken: [] }];
/** Pieces are handed on when they have come to this. */
const pieceBytes = 64 * 1024;

/** The bytes of a document, other requests having their turn meanwhile. */
export async function* piecesOf(parts: Parts, form: Form): AsyncGenerator<Buffer> {
  const pacer = new Pacer();
  let waiting: Buffer[] = [];
  let size = 0;
  for (const piece of form === "json" ? jsonPieces(parts) : protobufPieces(parts)) {
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

function* jsonPieces(parts: Parts): Generator<Buffer> {
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
  yield Buffer.from(head);
  yield* jsonMembers(parts.paths());
  yield Buffer.from(between);
  yield* jsonMembers(parts.schemas());
  yield Buffer.from(tail);
}

function* jsonMembers(entries: Iterable<Entry>): Generator<Buffer> {
  let comma = "";
  for (const [name, value] of entries) {
    yield Buffer.from(`${comma}${writeJson(name)}:${writeJson(value)}`);
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
  for (const [name, value] of parts.schemas())
    yield part(v3 ? { components: { schemas: { [name]: value } } } : { definitions: { [name]: value } });
  yield part(
    v3
      ? { components: { securitySchemes: bearer }, security }
      : { parameters: swaggerParameters(), securityDefinitions: bearer, security },
  );
}
