/**
 * A stored definition without its schemas: what the server decides about definitions needs none of them, and they are all but a
 * few bytes of it. They are left where they lie, unparsed.
 */
import { each, type SkimPath, skimOwnJson } from "#machinery/json/skim.ts";
import type { JsonValue } from "#machinery/json/value.ts";
import { writeJson } from "#machinery/json/write.ts";
import { canonicalBytes } from "#machinery/schema/canonical.ts";
import type { CustomResourceDefinition, Version } from "./types.ts";

export interface DefinitionParts {
  /** As it is stored (no name; managed fields in their stored text), its versions without schemas. */
  readonly head: CustomResourceDefinition;
  /** The bytes of `openAPIV3Schema` by the index of the version: views of the value. */
  readonly schemas: readonly (Buffer | undefined)[];
}

const schemaPath: SkimPath = ["spec", "versions", each, "schema", "openAPIV3Schema"];

export function definitionParts(value: Buffer): DefinitionParts {
  const skimmed = skimOwnJson(value, schemaPath);
  const head = skimmed.value as unknown as CustomResourceDefinition;
  const schemas: (Buffer | undefined)[] = [];
  let next = 0;
  const versions = head.spec.versions.map(({ schema, ...rest }): Version => {
    schemas.push(schema?.openAPIV3Schema === undefined ? undefined : skimmed.parts[next++]);
    return rest;
  });
  return { head: { ...head, spec: { ...head.spec, versions } }, schemas };
}

/** The stored definition with other metadata and another status; its spec is taken over byte by byte. */
export function withHead(
  value: Buffer,
  { apiVersion, kind, metadata, status }: CustomResourceDefinition,
): Buffer {
  const [spec] = skimOwnJson(value, ["spec"]).parts;
  const bare = canonicalBytes({ apiVersion, kind, metadata });
  const tail = status === undefined ? "}" : `,"status":${writeJson(status as unknown as JsonValue)}}`;
  const pieces = [bare.subarray(0, -1), Buffer.from(',"spec":'), spec!, Buffer.from(tail, "utf8")];
  const bytes = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) at += piece.copy(bytes, at);
  return bytes;
}
