const poolBytes = 8_192;

/**
 * Unpredictable bytes in small portions: the system's generator is asked once for many, because each question costs as
 * much as a hundred bytes. Bytes handed out are erased from the pool.
 */
export function pooledRandom(fill: (target: Buffer) => void): (size: number) => Uint8Array {
  const pool = Buffer.alloc(poolBytes);
  let next = poolBytes;
  return (size) => {
    if (size > poolBytes) {
      const own = Buffer.alloc(size);
      fill(own);
      return own;
    }
    if (next + size > poolBytes) {
      fill(pool);
      next = 0;
    }
    const bytes = Uint8Array.prototype.slice.call(pool, next, next + size);
    pool.fill(0, next, next + size);
    next += size;
    return bytes;
  };
}
