/** The stored text of managed fields (`apply/compact.ts`) as JSON, in one pass over its bytes. */

const managedKey = Buffer.from('"managedFields":"');
const jsonKey = '"managedFields":';
const ownVersionStart = '{"apiVersion":"'.length;

const quote = 0x22;
const star = 0x2a;
const comma = 0x2c;
const colon = 0x3a;
const open = 0x3c;
const close = 0x3e;
const applies = 0x41;
const backslash = 0x5c;
const bar = 0x7c;
const tilde = 0x7e;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Whether managed fields stand at an offset, which is that behind `"metadata":{`. */
export function isManagedText(value: Buffer, at: number): boolean {
  for (let i = 0; i < managedKey.length; i++) if (value[at + i] !== managedKey[i]) return false;
  return true;
}

/** Room that the JSON of the managed fields at `at` needs, with its key and a comma. */
export function managedJsonBytes(value: Buffer, at: number): number {
  let length = 0;
  for (let i = at + managedKey.length; value[i] !== bar; i++) {
    const digit = value[i]!;
    length = length * 36 + (digit > 0x39 ? digit - 0x61 + 10 : digit - 0x30);
  }
  return length + jsonKey.length + 1;
}

/** Turns one text into JSON. It was written by this server, and is trusted. */
export class ManagedExpander {
  readonly #value: Buffer;
  readonly #target: Buffer;
  #from = 0;
  #at = 0;

  constructor(value: Buffer, target: Buffer) {
    this.#value = value;
    this.#target = target;
  }

  /** The offset behind the text and its quote. */
  get end(): number {
    return this.#from;
  }

  /** Writes `"managedFields":[...]` and answers the offset behind it. */
  expand(from: number, at: number): number {
    const value = this.#value;
    this.#from = value.indexOf(bar, from + managedKey.length) + 1;
    this.#at = at;
    this.#text(jsonKey);
    for (let first = true; value[this.#from] !== quote; first = false) {
      this.#text(first ? "[" : ",");
      this.#entry();
    }
    this.#from++;
    this.#text("]");
    return this.#at;
  }

  #entry(): void {
    const value = this.#value;
    this.#text("{");
    if (value[this.#from] === bar) this.#from++;
    else {
      this.#text('"manager":"');
      this.#copyField();
      this.#text('",');
    }
    this.#text(
      value[this.#from++] === applies
        ? '"operation":"Apply","apiVersion":"'
        : '"operation":"Update","apiVersion":"',
    );
    const subresource = this.#from;
    this.#skipField();
    if (value[this.#from] === bar) {
      this.#copyOwnVersion();
      this.#from++;
    } else this.#copyField();
    if (value[this.#from] === bar) this.#from++;
    else {
      this.#text('","time":"');
      this.#copyField();
    }
    this.#text('","fieldsType":"FieldsV1","fieldsV1":{');
    this.#set();
    if (value[subresource] !== bar) {
      const next = this.#from;
      this.#from = subresource;
      this.#text(',"subresource":"');
      this.#copyField();
      this.#text('"');
      this.#from = next;
    }
    this.#text("}");
  }

  /** The nodes of a set, and the brace that closes it. */
  #set(): void {
    const value = this.#value;
    const target = this.#target;
    let from = this.#from;
    let at = this.#at;
    let depth = 0;
    if (value[from] === close) {
      target[at++] = closeBrace;
      this.#from = from + 1;
      this.#at = at;
      return;
    }
    for (;;) {
      target[at++] = quote;
      if (value[from] === colon) from++;
      else {
        target[at++] = 0x66; // f
        target[at++] = colon;
      }
      let byte = value[from++]!;
      for (; byte !== bar && byte !== open && byte !== star && byte !== close; byte = value[from++]!) {
        if (byte === tilde) target[at++] = value[from++]!;
        else {
          target[at++] = byte;
          if (byte === backslash) target[at++] = value[from++]!;
        }
      }
      target[at++] = quote;
      target[at++] = colon;
      target[at++] = openBrace;
      if (byte === open) {
        depth++;
        continue;
      }
      if (byte === star) {
        depth++;
        at += target.write('".":{},', at, "latin1");
        continue;
      }
      target[at++] = closeBrace;
      while (byte === close) {
        target[at++] = closeBrace;
        if (depth-- === 0) {
          this.#from = from;
          this.#at = at;
          return;
        }
        byte = value[from++]!;
      }
      target[at++] = comma;
    }
  }

  #text(text: string): void {
    this.#at += this.#target.write(text, this.#at, "latin1");
  }

  /** Copies up to the next separator, and passes it. */
  #copyField(): void {
    const value = this.#value;
    const target = this.#target;
    let from = this.#from;
    let at = this.#at;
    for (let byte = value[from++]!; byte !== bar; byte = value[from++]!) {
      if (byte === tilde) target[at++] = value[from++]!;
      else {
        target[at++] = byte;
        if (byte === backslash) target[at++] = value[from++]!;
      }
    }
    this.#from = from;
    this.#at = at;
  }

  #skipField(): void {
    const value = this.#value;
    let from = this.#from;
    for (let byte = value[from++]!; byte !== bar; byte = value[from++]!) {
      if (byte === tilde || byte === backslash) from++;
    }
    this.#from = from;
  }

  #copyOwnVersion(): void {
    const value = this.#value;
    for (let i = ownVersionStart; value[i] !== quote; i++) this.#target[this.#at++] = value[i]!;
  }
}
