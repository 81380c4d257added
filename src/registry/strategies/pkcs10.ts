/**
 * Certification requests (RFC 2986): enough of DER to see that a request is one, and that its signature is by its own key.
 * Synchronous, as validation is.
 */
import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";
import { pemBlocks } from "./pem.ts";

const sequence = 0x30;
const bitString = 0x03;
const objectIdentifier = 0x06;
const integer = 0x02;

/** One DER value: its tag, its content, and everything with the header. */
interface Der {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

/** Signature algorithms by the hexadecimal of their identifiers: the digest, and `pss` where its parameters tell it. */
const algorithms: ReadonlyMap<string, { digest: string | null; pss?: true }> = new Map([
  ["2a864886f70d01010b", { digest: "sha256" }],
  ["2a864886f70d01010c", { digest: "sha384" }],
  ["2a864886f70d01010d", { digest: "sha512" }],
  ["2a864886f70d01010a", { digest: "sha256", pss: true }],
  ["2a8648ce3d040302", { digest: "sha256" }],
  ["2a8648ce3d040303", { digest: "sha384" }],
  ["2a8648ce3d040304", { digest: "sha512" }],
  ["2b6570", { digest: null }],
]);
/** Digests that the parameters of RSASSA-PSS name. */
const pssDigests = [
  ["608648016503040201", "sha256"],
  ["608648016503040202", "sha384"],
  ["608648016503040203", "sha512"],
] as const;

/** What is wrong with a PEM text that should hold a certification request; undefined when nothing is. */
export function certificationRequestError(pem: string): string | undefined {
  const block = pemBlocks(pem)[0];
  if (block?.type !== "CERTIFICATE REQUEST") return "PEM block type must be CERTIFICATE REQUEST";
  let parsed: { info: Der; algorithm: Der[]; signature: Buffer; key: KeyObject };
  try {
    parsed = parse(Buffer.from(block.body, "base64"));
  } catch {
    return "x509: malformed certificate request";
  }
  const { info, algorithm, signature, key } = parsed;
  const known = algorithms.get(algorithm[0]!.content.toString("hex"));
  if (known === undefined) return "x509: cannot verify signature: algorithm unimplemented";
  let digest = known.digest;
  if (known.pss === true) {
    const parameters = algorithm[1]?.whole.toString("hex") ?? "";
    digest = pssDigests.find(([oid]) => parameters.includes(oid))?.[1] ?? digest;
  }
  const padding =
    known.pss === true
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
      : {};
  try {
    if (verify(digest, info.whole, { key, ...padding }, signature)) return undefined;
  } catch {
    // The algorithm is not one of this key.
  }
  return "x509: certificate request's signature does not match its contents";
}

function parse(der: Buffer): { info: Der; algorithm: Der[]; signature: Buffer; key: KeyObject } {
  const [outer, ...more] = children(der);
  if (outer === undefined || more.length > 0) throw new Error("trailing data");
  const [info, algorithm, signature] = expect(children(outer.content, sequence, outer.tag), [
    sequence,
    sequence,
    bitString,
  ]);
  const [, , spki] = expect(children(info!.content), [integer, sequence, sequence]);
  const identifiers = children(algorithm!.content);
  if (identifiers[0]?.tag !== objectIdentifier || signature!.content[0] !== 0) throw new Error("malformed");
  return {
    info: info!,
    algorithm: identifiers,
    signature: signature!.content.subarray(1),
    key: createPublicKey({ key: spki!.whole, format: "der", type: "spki" }),
  };
}

function expect(values: Der[], tags: readonly number[]): Der[] {
  if (tags.some((tag, index) => values[index]?.tag !== tag)) throw new Error("malformed");
  return values;
}

/** The values that stand one after the other in `data`. */
function children(data: Buffer, wanted = 0, tag = 0): Der[] {
  if (wanted !== tag) throw new Error("malformed");
  const values: Der[] = [];
  for (let at = 0; at < data.length; ) {
    const start = at;
    const own = data[at++]!;
    let length = data[at++] ?? -1;
    if (length > 0x84 || length === 0x80 || length < 0) throw new Error("length out of range");
    if (length > 0x80) {
      const size = length - 0x80;
      if (at + size > data.length) throw new Error("truncated");
      length = data.readUIntBE(at, size);
      at += size;
    }
    if (at + length > data.length) throw new Error("truncated");
    values.push({
      tag: own,
      content: data.subarray(at, at + length),
      whole: data.subarray(start, at + length),
    });
    at += length;
  }
  return values;
}
