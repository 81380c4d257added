/** URLs as Go's net/url reads them. */
import { quote } from "#base/quote.ts";
import { isV4, parseAddress } from "./ip-address.ts";

export interface GoUrl {
  readonly scheme: string;
  readonly opaque: string;
  /** Name and password, with their escapes. */
  readonly user: string | undefined;
  /** With the port. */
  readonly host: string;
  /** As it was written. */
  readonly path: string;
  readonly query: string | undefined;
  readonly fragment: string | undefined;
}

/** Longer texts are refused: nobody reads such URLs, and their parts would be copied many times. */
const maxUrlLength = 64 * 1024;

class UrlProblem extends Error {}

/** An absolute URI or path as requests have them (url.ParseRequestURI), then read with its fragment (url.Parse). */
export function parseRequestUrl(text: string): GoUrl | Error {
  if (text.length > maxUrlLength) return new Error(`parse ${quote(text.slice(0, 100))}: URL too long`);
  const asRequest = attempt(text, () => parseParts(text, true));
  return asRequest instanceof Error ? asRequest : parseUrl(text);
}

/** As url.Parse reads it. */
export function parseUrl(text: string): GoUrl | Error {
  const hash = text.indexOf("#");
  const main = hash < 0 ? text : text.slice(0, hash);
  const url = attempt(main, () => parseParts(main, false));
  if (hash < 0 || url instanceof Error) return url;
  const fragment = text.slice(hash + 1);
  return attempt(text, () => {
    checkEscapes(fragment);
    return { ...url, fragment };
  });
}

function attempt(text: string, parse: () => GoUrl): GoUrl | Error {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UrlProblem)) throw error;
    return new Error(`parse ${quote(text)}: ${error.message}`);
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const control = /[\u0000-\u001f\u007f]/;

function parseParts(text: string, viaRequest: boolean): GoUrl {
  if (control.test(text)) throw new UrlProblem("net/url: invalid control character in URL");
  if (text === "" && viaRequest) throw new UrlProblem("empty url");
  const none = { scheme: "", opaque: "", user: undefined, host: "", query: undefined, fragment: undefined };
  if (text === "*") return { ...none, path: "*" };
  const { scheme, rest: afterScheme } = splitScheme(text);
  const mark = afterScheme.indexOf("?");
  const query = mark < 0 ? undefined : afterScheme.slice(mark + 1);
  let rest = mark < 0 ? afterScheme : afterScheme.slice(0, mark);
  if (!rest.startsWith("/")) {
    if (scheme !== "") return { ...none, scheme, opaque: rest, path: "", query };
    if (viaRequest) throw new UrlProblem("invalid URI for request");
    if (rest.split("/", 1)[0]!.includes(":"))
      throw new UrlProblem("first path segment in URL cannot contain colon");
  }
  let user: string | undefined;
  let host = "";
  if ((scheme !== "" || (!viaRequest && !rest.startsWith("///"))) && rest.startsWith("//")) {
    const slash = rest.indexOf("/", 2);
    const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash);
    rest = slash < 0 ? "" : rest.slice(slash);
    const at = authority.lastIndexOf("@");
    host = parseHost(scheme, authority.slice(at + 1));
    if (at >= 0) {
      user = parseUser(authority.slice(0, at));
    }
  }
  checkEscapes(rest);
  return { ...none, scheme, user, host, path: rest, query };
}

function splitScheme(text: string): { scheme: string; rest: string } {
  if (text.startsWith(":")) throw new UrlProblem("missing protocol scheme");
  const match = /^([A-Za-z][A-Za-z0-9+\-.]*):/.exec(text);
  if (match === null) return { scheme: "", rest: text };
  return { scheme: match[1]!.toLowerCase(), rest: text.slice(match[0].length) };
}

function parseUser(text: string): string {
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(text)) throw new UrlProblem("net/url: invalid userinfo");
  checkEscapes(text);
  const colon = text.indexOf(":");
  const escaped = (part: string): string => escapeBytes(decodeEscapes(part), /[A-Za-z0-9\-_.~$&+,;=]/);
  if (colon < 0) return escaped(text);
  return `${escaped(text.slice(0, colon))}:${escaped(text.slice(colon + 1))}`;
}

const badEscape = (text: string, at: number): UrlProblem =>
  new UrlProblem(
    `invalid URL escape ${quote(
      Buffer.from(text.slice(at, at + 3))
        .subarray(0, 3)
        .toString(),
    )}`,
  );

function checkEscapes(text: string): void {
  const at = text.search(/%(?![0-9A-Fa-f]{2})/);
  if (at >= 0) throw badEscape(text, at);
}

function parseHost(scheme: string, host: string): string {
  const bracket = host.lastIndexOf("[");
  if (bracket > 0) throw new UrlProblem("invalid IP-literal");
  if (bracket < 0) {
    const strict = scheme === "http" || scheme === "https";
    const colon = strict ? host.indexOf(":") : host.lastIndexOf(":");
    if (colon >= 0) checkPort(host.slice(colon));
    return unescapeHost(host);
  }
  const end = host.lastIndexOf("]");
  if (end < 0) throw new UrlProblem("missing ']' in host");
  const portText = host.slice(end + 1);
  checkPort(portText);
  const inside = host.slice(1, end);
  const zone = inside.indexOf("%25");
  const text =
    zone < 0
      ? unescapeHost(inside)
      : unescapeHost(inside.slice(0, zone)) + unescapeHost(inside.slice(zone), true);
  const address = parseAddress(text);
  if (address instanceof Error) throw new UrlProblem(`invalid host: ${address.message}`);
  if (isV4(address)) throw new UrlProblem("invalid IP-literal");
  return `[${text}]${portText}`;
}

function checkPort(port: string): void {
  if (!/^(?::[0-9]*)?$/.test(port)) throw new UrlProblem(`invalid port ${quote(port)} after host`);
}

const inHost = /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>" ]/;

/** Escapes in hosts stand for bytes beyond ASCII only, those in zones for what may be in a host or a space. */
function unescapeHost(host: string, isZone = false): string {
  const special = /%([0-9A-Fa-f]{2})?|[^A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"\u0080-\u{10ffff}]/gu;
  for (const { 0: found, 1: digits, index } of host.matchAll(special)) {
    if (found === "%25") continue;
    if (found[0] !== "%") throw new UrlProblem(`invalid character ${quote(found)} in host name`);
    if (digits === undefined) throw badEscape(host, index);
    const byte = Number.parseInt(digits, 16);
    if (isZone ? !inHost.test(String.fromCharCode(byte)) : byte < 0x80) throw badEscape(host, index);
  }
  return decodeEscapes(host);
}

/** Bytes of a text with its escapes, as far as they are UTF-8. */
export function decodeEscapes(text: string): string {
  if (!text.includes("%")) return text;
  const bytes = Buffer.from(
    text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => `\u0000${hex}`),
    "utf8",
  );
  const decoded: number[] = [];
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index] !== 0) decoded.push(bytes[index]!);
    else {
      decoded.push(Number.parseInt(bytes.toString("latin1", index + 1, index + 3), 16));
      index += 2;
    }
  }
  return Buffer.from(decoded).toString("utf8");
}

/** The path as it goes over the wire. */
export function escapedPath({ path }: GoUrl): string {
  if (/^[A-Za-z0-9\-_.~!$&'()*+,;=:@/[\]%]*$/.test(path)) return path;
  return escapeBytes(decodeEscapes(path), /[A-Za-z0-9\-_.~$&+,/:;=@]/);
}

const escapeBytes = (text: string, plain: RegExp): string =>
  Array.from(Buffer.from(text, "utf8"), (byte) => {
    const character = String.fromCharCode(byte);
    return plain.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");

/** The host without its port, and an IPv6 address without its brackets. */
export function hostname({ host }: GoUrl): string {
  const bare = host.slice(0, host.length - portSuffix(host).length);
  return bare.startsWith("[") && bare.endsWith("]") ? bare.slice(1, -1) : bare;
}

export const port = ({ host }: GoUrl): string => portSuffix(host).slice(1);

function portSuffix(host: string): string {
  const colon = host.lastIndexOf(":");
  return colon >= 0 && /^:[0-9]*$/.test(host.slice(colon)) ? host.slice(colon) : "";
}

/** Values of the query by their keys, both decoded; what does not decode is left out. */
export function queryValues({ query }: GoUrl): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const pair of (query ?? "").split("&")) {
    if (pair === "" || pair.includes(";")) continue;
    const equals = pair.indexOf("=");
    const [key, value] = equals < 0 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
    if (/%(?![0-9A-Fa-f]{2})/.test(pair)) continue;
    const name = decodeEscapes(key.replaceAll("+", " "));
    const known = values.get(name);
    const decoded = decodeEscapes(value.replaceAll("+", " "));
    if (known === undefined) values.set(name, [decoded]);
    else known.push(decoded);
  }
  return values;
}

/** The URL as a text, for comparison. */
export function urlText(url: GoUrl): string {
  const { scheme, opaque, user, host, query, fragment } = url;
  const start = scheme === "" ? "" : `${scheme}:`;
  const authority =
    user === undefined && host === "" ? "" : `//${user === undefined ? "" : `${user}@`}${host}`;
  const end = `${query === undefined ? "" : `?${query}`}${fragment === undefined ? "" : `#${fragment}`}`;
  return opaque === "" ? `${start}${authority}${escapedPath(url)}${end}` : `${start}${opaque}${end}`;
}
