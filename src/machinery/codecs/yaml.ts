/** YAML in and out, as sigs.k8s.io/yaml over go-yaml v2 does it: YAML 1.1 scalars, one document, JSON's data model. */
import {
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type Scalar,
  visit,
} from "yaml";
import { badRequest } from "#machinery/errors/errors.ts";
import { maxDuplicatesReported, maxJsonDepth } from "#machinery/json/limits.ts";
import type { ReadOptions, ReadResult } from "#machinery/json/read.ts";
import { isRawNumber, type JsonObject, type JsonValue, setOwn } from "#machinery/json/value.ts";
import { numericKey, resolvePlain, resolveTagged, specialNumber } from "./yaml-scalars.ts";
import { escapeFault, YamlSourceError, yamlSource } from "./yaml-source.ts";

/** Most values that aliases may add to a document; a bomb of aliases is refused. */
const maxAliasedValues = 10_000;

/** Reads the first document. @throws StatusError 400 */
export function readYaml(bytes: Uint8Array, options: ReadOptions = {}): ReadResult {
  try {
    const source = yamlSource(bytes);
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
    const reader = new Reader(source, options.duplicates === true);
    return { value: reader.value(document.contents, "", 0), duplicates: reader.duplicates };
  } catch (error) {
    if (error instanceof YamlSourceError) throw refused(error.message);
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
  readonly #source: string;
  readonly #report: boolean;
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #aliased = 0;
  #insideAlias = 0;

  constructor(source: string, report: boolean) {
    this.#source = source;
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
      return this.#scalar(node);
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
    for (const pair of node.items) {
      if (isScalar(pair.key) && pair.key.type === "PLAIN" && pair.key.value === "<<") {
        this.#merge(pair.value, target, path, depth);
        continue;
      }
      const key = this.#key(pair.key, depth);
      const at = path === "" ? key : `${path}.${key}`;
      this.#repeats(target, key, at);
      setOwn(target, key, this.value(pair.value, at, depth + 1));
    }
    this.#open.delete(node);
    return target;
  }

  #repeats(target: JsonObject, key: string, at: string): void {
    if (!this.#report || !Object.hasOwn(target, key) || this.duplicates.length >= maxDuplicatesReported)
      return;
    if (!this.duplicates.includes(at)) this.duplicates.push(at);
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

  /** `<<`: as if the keys of the merged maps stood in its place, those of the first map last. */
  #merge(node: unknown, target: JsonObject, path: string, depth: number): void {
    const sources = isSeq(node) ? node.items.toReversed() : [node];
    for (const source of sources) {
      const merged = this.value(source, path, depth + 1);
      if (typeof merged !== "object" || merged === null || Array.isArray(merged) || isRawNumber(merged)) {
        throw refused("map merge requires map or sequence of maps as the value");
      }
      for (const key of Object.keys(merged)) {
        this.#repeats(target, key, path === "" ? key : `${path}.${key}`);
        setOwn(target, key, merged[key]!);
      }
    }
  }

  /** Keys become strings: numbers and booleans as they are printed. */
  #key(node: unknown, depth: number): string {
    const text = isScalar(node) ? plainText(node) : "";
    const isPlain = isScalar(node) && node.type === "PLAIN" && node.tag === undefined;
    const special = isPlain ? specialNumber(text) : undefined;
    if (special !== undefined) return special;
    const key = this.value(node, "", depth + 1);
    if (typeof key === "string") return key;
    if (typeof key === "boolean") return String(key);
    const number = isRawNumber(key) ? BigInt(key.rawJSON) : key;
    const written =
      typeof number === "number" || typeof number === "bigint" ? numericKey(text, number) : undefined;
    if (written !== undefined) return written;
    throw refused("unsupported map key: keys must be strings, numbers or booleans");
  }

  #scalar(node: Scalar): JsonValue {
    let text = typeof node.value === "string" ? node.value : "";
    // The library ends the last line of a block where the document does not.
    const isLast = node.range && node.range[1] >= this.#source.length && !this.#source.endsWith("\n");
    if (isLast && /^BLOCK_/.test(node.type ?? "")) text = text.replace(/\n$/, "");
    if (node.type === "QUOTE_DOUBLE" && node.range) {
      const fault = escapeFault(this.#source.slice(node.range[0], node.range[1]));
      if (fault !== undefined) throw refused(fault);
    }
    if (node.tag !== undefined) {
      const value = resolveTagged(node.tag, text);
      if (value === undefined) throw refused(`cannot decode \`${text.slice(0, 64)}\` as a ${node.tag}`);
      return value;
    }
    if (node.type !== "PLAIN") return text;
    const plain = plainText(node);
    if (specialNumber(plain) !== undefined) throw refused("unsupported value: JSON has no such number");
    return resolvePlain(plain);
  }
}

/** Blanks before a comment on the next line are none of an unquoted scalar's. */
const plainText = ({ value }: Scalar): string =>
  typeof value === "string" ? value.replace(/[ \t]+$/, "") : "";

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
