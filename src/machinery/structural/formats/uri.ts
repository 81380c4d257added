/** Whether Go's url.ParseRequestURI takes a text: an absolute URI, or an absolute path. */
import { isIp, isV4 } from "./ip.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const control = /[\u0000-\u001f\u007f]/;
/** Characters of a host that need no escape (net/url: shouldEscape). */
const hostText = /^[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"\u0080-\u{10ffff}]*$/u;
const userInfo = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;

export function isRequestUri(text: string): boolean {
  if (text === "" || control.test(text)) return false;
  if (text === "*") return true;
  const scheme = /^([A-Za-z][A-Za-z0-9+\-.]*):/.exec(text)?.[1];
  if (scheme === undefined && text.startsWith(":")) return false;
  let rest = scheme === undefined ? text : text.slice(scheme.length + 1);
  const query = rest.indexOf("?");
  if (query >= 0) rest = rest.slice(0, query);
  if (!rest.startsWith("/")) return scheme !== undefined;
  if (scheme !== undefined && rest.startsWith("//")) {
    const slash = rest.indexOf("/", 2);
    const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash);
    rest = slash < 0 ? "" : rest.slice(slash);
    if (!isAuthority(scheme.toLowerCase(), authority)) return false;
  }
  return escapesAreComplete(rest);
}

const escapesAreComplete = (text: string): boolean => !/%(?![0-9A-Fa-f]{2})/.test(text);

function isAuthority(scheme: string, authority: string): boolean {
  const at = authority.lastIndexOf("@");
  if (!isHost(scheme, authority.slice(at + 1))) return false;
  if (at < 0) return true;
  const user = authority.slice(0, at);
  return userInfo.test(user) && user.split(/:(.*)/s).every((part) => escapesAreComplete(part ?? ""));
}

function isHost(scheme: string, host: string): boolean {
  const bracket = host.lastIndexOf("[");
  if (bracket > 0) return false;
  if (bracket === 0) return isLiteral(host);
  const colon = host.indexOf(":");
  if (colon >= 0) {
    const last = host.lastIndexOf(":");
    const strict = scheme === "http" || scheme === "https";
    if (!/^:[0-9]*$/.test(host.slice(strict ? colon : last))) return false;
  }
  return hostIsPlain(host);
}

function isLiteral(host: string): boolean {
  const end = host.lastIndexOf("]");
  if (end < 0 || !/^(?::[0-9]*)?$/.test(host.slice(end + 1))) return false;
  const inner = host.slice(1, end);
  const zone = inner.indexOf("%25");
  const address = zone < 0 ? inner : inner.slice(0, zone);
  if (zone >= 0) {
    const text = inner.slice(zone + 3);
    if (text === "" || !escapesAreComplete(text) || !hostText.test(text.replaceAll(/%[0-9A-Fa-f]{2}/g, "")))
      return false;
  }
  return isIp(address) && !isV4(address);
}

/** Escapes stand for bytes beyond ASCII only. */
const hostIsPlain = (host: string): boolean =>
  escapesAreComplete(host) &&
  !/%(?!25)[0-7]/.test(host) &&
  hostText.test(host.replaceAll(/%[0-9A-Fa-f]{2}/g, ""));
