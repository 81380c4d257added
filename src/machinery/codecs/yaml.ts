/** YAML in and out, as sigs.k8s.io/yaml over go-yaml v2 does it: YAML 1.1 scalars, one document, JSON's data model. */
import {
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  visit,
} from "yaml";
import { badRequest } from "#machinery/errors/errors.ts";
import { maxDuplicatesReported, maxJsonDepth } from "#machinery/json/limits.ts";
import type { ReadOptions, ReadResult } from "#machinery/json/read.ts";
import { isRawNumber, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { resolvePlain } from "./yaml-scalars.ts";

/** Most values that aliases may add to a document; a bomb of aliases is refused. */
const maxAliasedValues = 10_000;

/** Reads the first document. @throws StatusError 400 */
export function readYaml(bytes: Uint8Array, options: ReadOptions = {}): ReadResult {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  try {
    const document = parseDocument(source, {
      schema: "failsafe",
      version: "1.1",
      uniqueKeys: false,
      merge: false,
      logLevel: "error",
      prettyErrors: false,
      keepSourceTokens: false,
    });
    const error = document.errors.find(({ code }) => code !== "MULTIPLE_DOCS");
    if (error !== undefined) throw refused(`line ${lineOf(source, error.pos[0])}: ${error.message}`);
    const reader = new Reader(options.duplicates === true);
    return { value: reader.value(document.contents, "", 0), duplicates: reader.duplicates };
  } catch (error) {
    if (error instanceof RangeError) throw refused("exceeded max depth");
    throw error;
  }
}

const refused = (why: string): Error => badRequest(`yaml: ${why}`);

function lineOf(source: string, offset: number): number {
  let line = 1;
  for (let i = source.indexOf("\n"); i >= 0 && i < offset; i = source.indexOf("\n", i + 1)) line++;
  return line;
}

class Reader {
  readonly duplicates: string[] = [];
  readonly #report: boolean;
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #aliased = 0;
  #insideAlias = 0;

  constructor(report: boolean) {
    this.#report = report;
  }

  value(node: unknown, path: string, depth: number): JsonValue {
    if (depth > maxJsonDepth) throw refused("exceeded max depth");
    if (this.#insideAlias > 0 && ++this.#aliased > maxAliasedValues) {
      throw refused("document contains excessive aliasing");
    }
    if (isAlias(node)) return this.#alias(node.source, (target) => this.value(target, path, depth + 1));
    if (isScalar(node)) {
      if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
      return scalar(node);
    }
    if (isSeq(node)) {
      this.#enter(node, node.anchor);
      const list = node.items.map((item, i) => this.value(item, `${path}[${i}]`, depth + 1));
      this.#open.delete(node);
      return list;
    }
    if (!isMap(node)) return null;
    this.#enter(node, node.anchor);
    const target: JsonObject = {};
    const merges: Pair[] = [];
    const seen = new Set<string>();
    for (const pair of node.items) {
      if (isScalar(pair.key) && pair.key.type === "PLAIN" && pair.key.value === "<<") {
        merges.push(pair);
        continue;
      }
      const key = this.#key(pair.key, depth);
      const at = path === "" ? key : `${path}.${key}`;
      if (seen.has(key) && this.#report && this.duplicates.length < maxDuplicatesReported) {
        if (!this.duplicates.includes(at)) this.duplicates.push(at);
      }
      seen.add(key);
      setOwn(target, key, this.value(pair.value, at, depth + 1));
    }
    for (const { value } of merges) this.#merge(value, target, path, depth);
    this.#open.delete(node);
    return target;
  }

  #enter(node: Node, anchor: string | undefined): void {
    this.#open.add(node);
    if (anchor !== undefined) this.#anchors.set(anchor, node);
  }

  #alias<T>(name: string, use: (target: Node) => T): T {
    const target = this.#anchors.get(name);
    if (target === undefined) throw refused(`unknown anchor '${name}' referenced`);
    if (this.#open.has(target)) throw refused(`anchor '${name}' value contains itself`);
    this.#insideAlias++;
    const value = use(target);
    this.#insideAlias--;
    return value;
  }

  /** `<<`: keys of the merged maps, for those that the map itself does not have; earlier maps win. */
  #merge(node: unknown, target: JsonObject, path: string, depth: number): void {
    const sources = isSeq(node) ? node.items : [node];
    for (const source of sources) {
      const merged = this.value(source, path, depth + 1);
      if (typeof merged !== "object" || merged === null || Array.isArray(merged) || isRawNumber(merged)) {
        throw refused("map merge requires map or sequence of maps as the value");
      }
      for (const key of Object.keys(merged)) {
        if (!Object.hasOwn(target, key)) setOwn(target, key, merged[key]!);
      }
    }
  }

  /** Keys become strings: numbers and booleans as they are printed. */
  #key(node: unknown, depth: number): string {
    const key = this.value(node, "", depth + 1);
    if (typeof key === "string") return key;
    if (typeof key === "number" || typeof key === "boolean") return String(key);
    if (isRawNumber(key)) return key.rawJSON;
    throw refused("unsupported map key: keys must be strings, numbers or booleans");
  }
}

function scalar(node: Scalar): JsonValue {
  const text = typeof node.value === "string" ? node.value : "";
  switch (node.tag) {
    case undefined:
      return node.type === "PLAIN" ? resolvePlain(text) : text;
    case "tag:yaml.org,2002:str":
      return text;
    case "tag:yaml.org,2002:binary":
      return Buffer.from(text, "base64").toString("utf8");
    default:
      return resolvePlain(text);
  }
}

const mergeTag = "tag:yaml.org,2002:merge";

/** YAML of a JSON value, keys sorted, as `kubectl get -o yaml` looks. */
export function writeYaml(value: JsonValue): string {
  const document = new Document(digits(value), {
    version: "1.1",
    aliasDuplicateObjects: false,
    sortMapEntries: true,
    // "<<" is a string here like any other.
    customTags: (tags) =>
      tags.filter((tag) => tag !== "merge" && !(typeof tag === "object" && tag.tag === mergeTag)),
  });
  visit(document, {
    Pair(_, { key }) {
      // Unquoted it would be read as a merge.
      if (isScalar(key) && key.value === "<<") key.type = "QUOTE_DOUBLE";
    },
  });
  return document.toString({ indentSeq: false, lineWidth: 0 });
}

/** Raw numbers as the library writes digits: BigInt. */
function digits(value: JsonValue): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(digits);
  if (isRawNumber(value))
    return /^-?\d+$/.test(value.rawJSON) ? BigInt(value.rawJSON) : Number(value.rawJSON);
  const target: JsonObject = {};
  for (const key of Object.keys(value)) setOwn(target, key, digits(value[key]!) as JsonValue);
  return target;
}
