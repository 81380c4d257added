/** What go-yaml refuses before it looks at the structure of a document: bytes, control characters, directives, escapes. */

/** Why the bytes are no YAML, in go-yaml's words. */
export class YamlSourceError extends Error {}

const decoder = new TextDecoder("utf-8", { fatal: true });
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is sought
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/;

/** The text, without a mark of its byte order and with one kind of line breaks. @throws YamlSourceError */
export function yamlSource(bytes: Uint8Array): string {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new YamlSourceError("invalid UTF-8");
  }
  if (control.test(text)) throw new YamlSourceError("control characters are not allowed");
  const source = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
  checkDirectives(source);
  return source;
}

/** Lines with `%` before the first document: the version must be the one that is spoken. */
function checkDirectives(source: string): void {
  for (let start = 0; start < source.length; ) {
    const end = source.indexOf("\n", start);
    const line = source.slice(start, end < 0 ? source.length : end);
    if (line.startsWith("%")) {
      if (/^%YAML[ \t]+1\.1[ \t]*(?:#.*)?$/.test(line) || /^%TAG[ \t]/.test(line)) {
      } else if (/^%YAML[ \t]+[0-9]+\.[0-9]+/.test(line))
        throw new YamlSourceError("found incompatible YAML document");
      else throw new YamlSourceError("found unknown directive name");
    } else if (!/^[ \t]*(?:#.*)?$/.test(line)) return;
    if (end < 0) return;
    start = end + 1;
  }
}

/** What is wrong with the escapes of a text in double quotes, given with its quotes; undefined when nothing is. */
export function escapeFault(quoted: string): string | undefined {
  if (!quoted.includes("\\")) return undefined;
  for (const [, code = "", digits] of quoted.matchAll(/\\(u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|.)/gs)) {
    if (code === "/") return "found unknown escape character";
    const number = digits === undefined ? 0 : Number.parseInt(digits, 16);
    if (number >= 0xd800 && number < 0xe000) return "found invalid Unicode character escape code";
  }
  return undefined;
}
