/** The lock file as data: which packages of other platforms are missing from it, and their entries. */

interface LockedPackage {
  version?: string;
  dev?: boolean;
  license?: string;
  engines?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

export interface Lock {
  packages: Record<string, LockedPackage & Record<string, unknown>>;
}

/** Optional dependencies that have no entry of their own: parent's path in the lock, name, wanted version. */
export function missingOptional(lock: Lock): { parent: string; name: string; version: string }[] {
  const missing = [];
  for (const [parent, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const nested = lock.packages[`${parent}/node_modules/${name}`];
      if (lock.packages[`node_modules/${name}`] === undefined && nested === undefined)
        missing.push({ parent, name, version });
    }
  }
  return missing;
}

/** The lock with an entry for every {@link missingOptional}. Throws where a name does not tell its platform. */
export function completeLock(lock: Lock): Lock {
  const packages = { ...lock.packages };
  for (const { parent, name, version } of missingOptional(lock)) {
    const platform =
      /(android|darwin|freebsd|linux|openbsd|win32)-(arm64|arm|x64|ia32|riscv64|loong64|ppc64)(-musl)?$/.exec(
        name,
      );
    if (platform === null || !/^\d+\.\d+\.\d+$/.test(version))
      throw new Error(`cannot complete ${name}@${version}`);
    const { dev, license, engines } = lock.packages[parent] ?? {};
    packages[`node_modules/${name}`] = {
      version,
      cpu: [platform[2]],
      ...(dev === true && { dev }),
      ...(platform[3] !== undefined && { libc: ["musl"] }),
      ...(license !== undefined && { license }),
      optional: true,
      os: [platform[1]],
      ...(engines !== undefined && { engines }),
    };
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, "en"));
  return { ...lock, packages: Object.fromEntries(sorted) };
}
