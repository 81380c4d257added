/** URLs (k8s.io/apiserver/pkg/cel/library/urls.go). */
import { declare, type FunctionDeclaration, type Implementation } from "../functions.ts";
import type { CelType } from "../types.ts";
import {
  CelError,
  CelOpaque,
  type CelResult,
  type CelValue,
  noSuchOverload,
  ValueList,
  ValueMap,
} from "../values.ts";
import { escapedPath, type GoUrl, hostname, parseRequestUrl, port, queryValues, urlText } from "./go-url.ts";
import { opaqueStruct } from "./opaque.ts";

const urlType: CelType = opaqueStruct("kubernetes.URL");

class CelUrl extends CelOpaque {
  override readonly type = urlType;
  readonly url: GoUrl;

  constructor(url: GoUrl) {
    super();
    this.url = url;
  }

  override equals(other: CelValue): boolean | CelError {
    return other instanceof CelUrl ? urlText(this.url) === urlText(other.url) : noSuchOverload;
  }

  override toString(): string {
    return urlText(this.url);
  }
}

const toUrl: Implementation = (text) => {
  const url = parseRequestUrl(text as string);
  if (url instanceof Error)
    return new CelError(`URL parse error during conversion from string: ${url.message}`);
  return new CelUrl(url);
};

const on =
  (code: (url: GoUrl) => CelResult): Implementation =>
  (url) =>
    url instanceof CelUrl ? code(url.url) : noSuchOverload;

function query(url: GoUrl): ValueMap {
  const map = new ValueMap();
  for (const [key, values] of queryValues(url)) map.set(key, new ValueList(values));
  return map;
}

const options = { types: new Map([["URL", urlType]]) };

const getter = (name: string, id: string, read: (url: GoUrl) => string): FunctionDeclaration =>
  declare(name, [[id, "URL.(): string", on(read)]], options);

export const urlLibrary: readonly FunctionDeclaration[] = [
  declare("url", [["string_to_url", "(string): URL", toUrl]], options),
  getter("getScheme", "url_get_scheme", ({ scheme }) => scheme),
  getter("getHost", "url_get_host", ({ host }) => host),
  getter("getHostname", "url_get_hostname", hostname),
  getter("getPort", "url_get_port", port),
  getter("getEscapedPath", "url_get_escaped_path", escapedPath),
  declare("getQuery", [["url_get_query", "URL.(): map(string, list(string))", on(query)]], options),
  declare("isURL", [
    ["is_url_string", "(string): bool", (text) => !(parseRequestUrl(text as string) instanceof Error)],
  ]),
];
