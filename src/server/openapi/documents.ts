/** OpenAPI documents of what a workspace serves (spec 4.3): v3, one for each group-version, and v2, one in all. */
import { createHash } from "node:crypto";
import type { Catalogue } from "#api/catalogue.ts";
import { ByteLru } from "#base/byte-lru.ts";
import { Pacer } from "#base/pacer.ts";
import { groupsOf, type VersionFacts } from "#server/discovery/versions.ts";
import { type CustomServed, type ServedSet, versionOf } from "#server/endpoints/served-set.ts";
import { customSchemas } from "./custom-schemas.ts";
import { type Form, type Parts, piecesOf } from "./forms.ts";
import {
  deleteOptionsKinds,
  type Entry,
  type GroupVersion,
  pathEntries,
  schemaEntries,
} from "./group-version.ts";
import { deleteOptionsType } from "./paths.ts";
import { swaggerDefinition, swaggerPathItem } from "./swagger.ts";
import { swaggerCustomSchemas } from "./swagger-custom.ts";

export interface OpenApiDocument {
  /**
   * Upper-case hex of a SHA-512: of the JSON, or, when a workspace's own kinds are in it, of what it is made of, so that it
   * is known before anything is made.
   */
  hash(): Promise<string>;
  /** The bytes; a document that is too large to be kept comes piece by piece. */
  read(form: Form): Promise<Buffer | AsyncIterable<Buffer>>;
}

export interface OpenApiDocuments {
  /** `/openapi/v3`: which documents there are. */
  index(): Promise<{ readonly body: Buffer; readonly hash: string }>;
  /** `path` is `api/v1` or `apis/apps/v1`; undefined: 404. */
  document(path: string): OpenApiDocument | undefined;
  readonly v2: OpenApiDocument;
}

/** Bytes of documents that are kept, of all workspaces together. */
const keptBytes = 32 * 1024 * 1024;
/** Larger documents are made anew for every reader, and never held as a whole. */
const largestKeptBytes = 4 * 1024 * 1024;
/** To be changed when the same definitions give other documents. */
const formatOfCustomDocuments = "1";

/** The documents of all workspaces. What is kept is told by its hash, so that equal workspaces share it. */
export class OpenApiLibrary {
  readonly catalogue: Catalogue;
  /** Of Kubernetes, with a `v`. */
  readonly version: string;
  readonly kept = new ByteLru<string>(keptBytes, largestKeptBytes);
  readonly #sets = new WeakMap<ServedSet, OpenApiDocuments>();

  constructor(catalogue: Catalogue, version: string) {
    this.catalogue = catalogue;
    this.version = version;
  }

  of(served: ServedSet): OpenApiDocuments {
    let documents = this.#sets.get(served);
    if (documents === undefined) {
      documents = documentsOf(served, this);
      this.#sets.set(served, documents);
    }
    return documents;
  }
}

function documentsOf(served: ServedSet, library: OpenApiLibrary): OpenApiDocuments {
  const base = served.custom === undefined ? undefined : library.of(served.custom.base);
  const sources = base === undefined ? builtinSources(served) : customSources(served);
  const documents = new Map<string, OpenApiDocument>();
  const document = (path: string): OpenApiDocument | undefined => {
    const source = sources.get(path);
    if (source === undefined) return undefined;
    if (source.custom.size === 0 && base !== undefined) return base.document(path);
    let known = documents.get(path);
    if (known === undefined) {
      const hash =
        base === undefined ? undefined : customHash(base.document(path), [...source.custom.values()]);
      known = makeDocument(library, v3Parts(source, library), hash);
      documents.set(path, known);
    }
    return known;
  };
  const v2 = makeDocument(
    library,
    v2Parts([...sources.values()], library),
    base === undefined ? undefined : customHash(base.v2, served.custom!.served),
  );
  let indexHash: string | undefined;
  const makeIndex = async () => {
    const pacer = new Pacer();
    const members: string[] = [];
    for (const path of sources.keys()) {
      const url = documentURL(path, await document(path)!.hash());
      members.push(`${JSON.stringify(path)}:${JSON.stringify({ serverRelativeURL: url })}`);
      await pacer.turn();
    }
    const body = Buffer.from(`{"paths":{${members.join(",")}}}`);
    indexHash = createHash("sha512").update(body).digest("hex").toUpperCase();
    library.kept.set(`index ${indexHash}`, body);
    return { body, hash: indexHash };
  };
  return {
    document,
    v2,
    async index() {
      const body = indexHash === undefined ? undefined : library.kept.get(`index ${indexHash}`);
      return body === undefined ? makeIndex() : { body: body as Buffer, hash: indexHash! };
    },
  };
}

/**
 * Begins at `/openapi/v3`, without a cluster: clients put the prefix of their own base URL in front of such a path
 * (client-go's openapi client, kubernetes/kubernetes#117463), so one index serves every workspace.
 */
export const documentURL = (path: string, hash: string): string => `/openapi/v3/${path}?hash=${hash}`;

const pathOf = (group: string, version: string): string =>
  group === "" ? `api/${version}` : `apis/${group}/${version}`;

function builtinSources(served: ServedSet): Map<string, GroupVersion> {
  const sources = new Map<string, GroupVersion>();
  for (const { group, versions } of groupsOf(served.resources)) {
    for (const facts of versions) {
      const path = pathOf(group, facts.version);
      sources.set(path, { path, group, facts, custom: new Map() });
    }
  }
  return sources;
}

/** The base's, with the workspace's own kinds in their group-versions. */
function customSources(served: ServedSet): Map<string, GroupVersion> {
  const { base, served: own } = served.custom!;
  const sources = builtinSources(base);
  const byPath = new Map<string, CustomServed[]>();
  for (const one of own) {
    const path = pathOf(one.info.group, one.version);
    const known = byPath.get(path);
    if (known === undefined) byPath.set(path, [one]);
    else known.push(one);
  }
  for (const [path, all] of byPath) {
    const { group } = all[0]!.info;
    const { version } = all[0]!;
    const resources: VersionFacts["resources"] = [
      ...(sources.get(path)?.facts.resources ?? []),
      ...all.map((one) => ({ info: one.info, version: versionOf(one) })),
    ];
    sources.set(path, {
      path,
      group,
      facts: { version, groupVersion: group === "" ? version : `${group}/${version}`, resources },
      custom: new Map(all.map((one) => [one.info.resource, one])),
    });
  }
  return sources;
}

const customHash =
  (base: OpenApiDocument | undefined, own: readonly CustomServed[]): (() => Promise<string>) =>
  async () => {
    const hash = createHash("sha512").update(`${formatOfCustomDocuments}\n${(await base?.hash()) ?? ""}\n`);
    const pacer = new Pacer();
    for (const one of own) {
      hash.update(`${one.contentHash}\n`);
      const turn = pacer.turn();
      if (turn !== undefined) await turn;
    }
    return hash.digest("hex").toUpperCase();
  };

function v3Parts(source: GroupVersion, { catalogue }: OpenApiLibrary): Parts {
  return {
    specification: 3,
    version: "unversioned",
    paths: () => pathEntries(source, catalogue),
    *schemas() {
      const known = new Set<string>();
      yield* schemaEntries(source, catalogue, known);
      for (const own of source.custom.values()) yield* unknownOf(customSchemas(own), known);
    },
  };
}

function v2Parts(sources: readonly GroupVersion[], { catalogue, version }: OpenApiLibrary): Parts {
  return {
    specification: 2,
    version,
    *paths() {
      for (const source of sources)
        for (const [path, item] of pathEntries(source, catalogue)) yield [path, swaggerPathItem(item)];
    },
    *schemas() {
      const known = new Set<string>();
      for (const source of sources) {
        for (const [name, schema] of schemaEntries(source, catalogue, known))
          yield [name, markDeleteOptions(name, swaggerDefinition(name, schema), sources)];
        for (const own of source.custom.values()) {
          yield* unknownOf(swaggerCustomSchemas(own), known);
        }
      }
    },
  };
}

/** A group may be named so that its kinds have the names of built-in types: those are not replaced. */
function* unknownOf(entries: Iterable<Entry | undefined>, known: Set<string>): Generator<Entry | undefined> {
  for (const entry of entries) {
    if (entry !== undefined) {
      if (known.has(entry[0])) continue;
      known.add(entry[0]);
    }
    yield entry;
  }
}

/** One definition for all groups: it names them all. */
function markDeleteOptions(name: string, definition: Entry[1], sources: readonly GroupVersion[]): Entry[1] {
  if (name !== deleteOptionsType) return definition;
  const builtin = sources.filter(({ facts, custom }) => facts.resources.length > custom.size);
  const kinds = deleteOptionsKinds(builtin.map(({ group, facts }) => [group, facts.version]));
  return { ...definition, "x-kubernetes-group-version-kind": kinds.map((kind) => ({ ...kind })) };
}

function makeDocument(
  { kept }: OpenApiLibrary,
  parts: Parts,
  knownHash: (() => Promise<string>) | undefined,
): OpenApiDocument {
  let hash: Promise<string> | undefined;
  const key = (of: string, form: Form): string => `${parts.specification} ${form} ${of}`;
  const hashOfContent = async (): Promise<string> => {
    const made = createHash("sha512");
    const pieces: Buffer[] = [];
    for await (const piece of piecesOf(parts, "json")) {
      made.update(piece);
      pieces.push(piece);
    }
    const digest = made.digest("hex").toUpperCase();
    kept.set(key(digest, "json"), Buffer.concat(pieces));
    return digest;
  };
  const document: OpenApiDocument = {
    hash() {
      hash ??= (knownHash ?? hashOfContent)().catch((error: unknown) => {
        hash = undefined;
        throw error;
      });
      return hash;
    },
    async read(form) {
      const name = key(await document.hash(), form);
      const known = kept.get(name);
      if (known !== undefined) return known as Buffer;
      const made = await wholeOrPieces(piecesOf(parts, form));
      if (Buffer.isBuffer(made)) kept.set(name, made);
      return made;
    },
  };
  return document;
}

async function wholeOrPieces(pieces: AsyncGenerator<Buffer>): Promise<Buffer | AsyncIterable<Buffer>> {
  const held: Buffer[] = [];
  let size = 0;
  for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
    held.push(next.value);
    size += next.value.length;
    if (size > largestKeptBytes) return rest(held, pieces);
  }
  return Buffer.concat(held, size);
}

async function* rest(held: Buffer[], pieces: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  for (let first = held.shift(); first !== undefined; first = held.shift()) yield first;
  yield* pieces;
}
