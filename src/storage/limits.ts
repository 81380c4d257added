import { maxKeyBytes, maxTxnOperations, maxValueBytes, StoreLimitError, type Txn } from "./port.ts";

/** Refuses what no engine takes, before anything is done. @throws StoreLimitError */
export function checkLimits({ compare, operations }: Txn): void {
  if (operations.length > maxTxnOperations || compare.length > maxTxnOperations) {
    throw new StoreLimitError(`a transaction has at most ${maxTxnOperations} comparisons and operations`);
  }
  const touched = new Set<string>();
  for (const operation of operations) {
    const { key } = operation;
    const bytes = Buffer.byteLength(key);
    if (bytes === 0 || bytes > maxKeyBytes)
      throw new StoreLimitError(`a key has 1 to ${maxKeyBytes} bytes, not ${bytes}`);
    if (!key.isWellFormed()) throw new StoreLimitError("a key is a well-formed string");
    if (key.includes("\0")) throw new StoreLimitError("a key has no zero byte");
    if (touched.has(key)) throw new StoreLimitError(`a key may stand in one operation only: ${key}`);
    touched.add(key);
    if (operation.type === "put" && operation.value.length > maxValueBytes) {
      throw new StoreLimitError(`a value has at most ${maxValueBytes} bytes, not ${operation.value.length}`);
    }
  }
}
