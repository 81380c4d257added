/** Reads CSV as Go's encoding/csv does: quoted fields with doubled quotes, CRLF, no empty lines, any number of fields. */
export function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < text.length) {
    const record: string[] = [];
    for (;;) {
      const [field, end] = text[at] === '"' ? quotedField(text, at) : plainField(text, at);
      record.push(field);
      at = end;
      if (text[at] !== ",") break;
      at++;
    }
    if (text[at] === "\r" && text[at + 1] === "\n") at++;
    if (at < text.length && text[at] !== "\n")
      throw new Error(`CSV: text after a closing quote at offset ${at}`);
    at++;
    if (record.length > 1 || record[0] !== "") records.push(record);
  }
  return records;
}

function plainField(text: string, start: number): [string, number] {
  let end = start;
  while (end < text.length && text[end] !== "," && text[end] !== "\n") end++;
  const lineEnd = text[end] !== "," && text[end - 1] === "\r" && end > start ? end - 1 : end;
  const field = text.slice(start, lineEnd);
  if (field.includes('"')) throw new Error(`CSV: a quote in an unquoted field at offset ${start}`);
  return [field, lineEnd];
}

function quotedField(text: string, start: number): [string, number] {
  let field = "";
  for (let at = start + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0) throw new Error(`CSV: the quote at offset ${start} is not closed`);
    field += text.slice(at, quote);
    if (text[quote + 1] !== '"') return [field, quote + 1];
    field += '"';
    at = quote + 2;
  }
}
