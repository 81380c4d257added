/** Protobuf's wire format, read. Nothing outside the given bytes is touched; broken input throws {@link WireError}. */

/** Broken protobuf. The caller answers 400. */
export class WireError extends Error {
  override readonly name = "WireError";
}

export const wireVarint = 0;
export const wireFixed64 = 1;
export const wireBytes = 2;
const wireStartGroup = 3;
const wireEndGroup = 4;
export const wireFixed32 = 5;

/** Deepest nesting of groups that is skipped. */
const maxGroupDepth = 100;

export class WireReader {
  readonly #bytes: Buffer;
  #at: number;
  #end: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#at = 0;
    this.#end = bytes.length;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** A varint's low 53 bits as a number; more than that makes {@link varint64} necessary. Used for tags, lengths, bools. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#end) throw new WireError("unexpected EOF");
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new WireError("proto: integer overflow");
  }

  /** A varint as 64 bits, unsigned. */
  varint64(): bigint {
    let value = 0n;
    for (let i = 0n; i < 10n; i++) {
      if (this.#at >= this.#end) throw new WireError("unexpected EOF");
      const byte = this.#bytes[this.#at++]!;
      value |= BigInt(byte & 0x7f) << (7n * i);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new WireError("proto: integer overflow");
  }

  double(): number {
    const at = this.#take(8);
    return this.#bytes.readDoubleLE(at);
  }

  float(): number {
    const at = this.#take(4);
    return this.#bytes.readFloatLE(at);
  }

  /** A view of a length-delimited field. */
  bytes(): Buffer {
    const length = this.varint();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  string(): string {
    const length = this.varint();
    const at = this.#take(length);
    return this.#bytes.toString("utf8", at, at + length);
  }

  /** Narrows the reader to a length-delimited field; give the answer to {@link leave} afterwards. */
  enter(): number {
    const length = this.varint();
    const outer = this.#end;
    if (length > outer - this.#at) throw new WireError("unexpected EOF");
    this.#end = this.#at + length;
    return outer;
  }

  leave(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
  }

  skip(wireType: number, depth = 0): void {
    switch (wireType) {
      case wireVarint:
        this.varint();
        return;
      case wireFixed64:
        this.#take(8);
        return;
      case wireBytes:
        this.#take(this.varint());
        return;
      case wireFixed32:
        this.#take(4);
        return;
      case wireStartGroup:
        if (depth >= maxGroupDepth) throw new WireError("proto: groups too deep");
        for (;;) {
          const inner = this.varint() & 7;
          if (inner === wireEndGroup) return;
          this.skip(inner, depth + 1);
        }
      case wireEndGroup:
        throw new WireError("proto: unexpected end of group");
      default:
        throw new WireError(`proto: illegal wireType ${wireType}`);
    }
  }

  #take(length: number): number {
    if (length > this.#end - this.#at) throw new WireError("unexpected EOF");
    const at = this.#at;
    this.#at += length;
    return at;
  }
}

/** The field's number in a tag: 32 bits, as upstream's decoders take it. */
export const fieldNumber = (tag: number): number => Math.floor(tag / 8) | 0;

/** Refuses tags that no field has. @throws WireError */
export function checkTag(tag: number, message: string): void {
  if (tag % 8 === wireEndGroup) throw new WireError(`proto: ${message}: wiretype end group for non-group`);
  const number = fieldNumber(tag);
  if (number <= 0) throw new WireError(`proto: ${message}: illegal tag ${number} (wire type ${tag})`);
}

/** Whether the tag is that of a field of a small message. @throws WireError when it has another wire type, or is nobody's */
export function isField(tag: number, number: number, wireType: number): boolean {
  checkTag(tag, "message");
  if (fieldNumber(tag) !== number) return false;
  if (tag % 8 !== wireType) throw new WireError(`proto: wrong wireType = ${tag % 8} for field ${number}`);
  return true;
}
