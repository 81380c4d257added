/** The same memory as a Buffer: messages between threads make plain arrays of bytes of what was one. */
export const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
