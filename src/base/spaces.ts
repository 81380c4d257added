/** White space as Go has it (`unicode.IsSpace`): U+0085 is some, a byte order mark is none. JavaScript's `trim` has it the other way. */
const spaces = "[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const leading = new RegExp(`^${spaces}+`);
const space = new RegExp(spaces);

/** The text without white space around it: Go's `strings.TrimSpace`. Linear in the text's length. */
export function trimSpace(text: string): string {
  const rest = text.replace(leading, "");
  let end = rest.length;
  while (end > 0 && space.test(rest[end - 1]!)) end--;
  return rest.slice(0, end);
}
