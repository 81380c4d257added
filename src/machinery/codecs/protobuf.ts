/** Kubernetes protobuf for the kinds of a catalogue: messages from and to JSON trees, without envelope. */
import { badRequest } from "#machinery/errors/errors.ts";
import type { JsonObject, JsonValue } from "#machinery/json/value.ts";
import type { TypeName, TypeResolver } from "#machinery/schema/types.ts";
import { DecoderCompiler } from "./protobuf-decode.ts";
import { type Encode, EncoderCompiler } from "./protobuf-encode.ts";
import { WireError } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** Compiled readers and writers of one catalogue. Hold one per server: types are compiled when first used, and kept. */
export class ProtobufCodec {
  readonly #encoders: EncoderCompiler;
  readonly #decoders: DecoderCompiler;
  readonly #writer = new WireWriter();

  constructor(types: TypeResolver) {
    this.#encoders = new EncoderCompiler(types);
    this.#decoders = new DecoderCompiler(types);
  }

  /** The message of an object in its normal form (as the schema's walk leaves it). */
  encode(type: TypeName, value: JsonValue): Buffer {
    return this.write(this.#encoders.message(type), value);
  }

  /** Like {@link encode}, with a function that writes the message (backwards, as {@link WireWriter} does). */
  write(encode: Encode, value: JsonValue): Buffer {
    const writer = this.#writer;
    try {
      encode(value, writer);
      return writer.take();
    } catch (error) {
      writer.clear();
      throw error;
    }
  }

  /** The writer of a type, for messages that contain it. */
  encoder(type: TypeName): Encode {
    return this.#encoders.message(type);
  }

  /**
   * The object of a message, not yet in its normal form: pass it through `CompiledType.decode`. Unknown fields are skipped.
   * @throws StatusError 400 for broken bytes
   */
  decode(type: TypeName, bytes: Buffer): JsonObject {
    try {
      return this.#decoders.decode(type, bytes);
    } catch (error) {
      if (error instanceof WireError) throw badRequest(error.message);
      throw error;
    }
  }
}

/** A codec, or the types to make one of: right for rare uses, since nothing compiled is kept. */
export type CodecSource = ProtobufCodec | TypeResolver;

export const codecOf = (source: CodecSource): ProtobufCodec =>
  source instanceof ProtobufCodec ? source : new ProtobufCodec(source);
