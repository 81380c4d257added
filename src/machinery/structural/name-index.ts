/** Positions of names in a list, in little memory: a `Map` takes 50 bytes a name, and there is one for each large object of a schema. */

/**
 * A hash table as a string: at the place of a name its position plus one, or in the next free place behind. A `Map` where too many
 * names are alike, so that nobody can choose names that take long.
 */
export type NameIndex = string | ReadonlyMap<string, number>;

const maxNames = 128;
/** Places that are looked at for a name. */
const maxProbes = 8;

export function indexOf(names: readonly string[]): NameIndex {
  return (names.length > maxNames ? undefined : tableOf(names)) ?? new Map(names.map((name, i) => [name, i]));
}

function tableOf(names: readonly string[]): string | undefined {
  let size = 4;
  while (size < names.length * 2) size *= 2;
  const table = new Array<number>(size).fill(0);
  for (let i = 0; i < names.length; i++) {
    let place = hash(names[i]!) & (size - 1);
    let probes = 1;
    for (; table[place] !== 0; place = (place + 1) & (size - 1)) if (++probes > maxProbes) return undefined;
    table[place] = i + 1;
  }
  return longestRun(table) > maxProbes ? undefined : String.fromCharCode(...table);
}

/** Taken places side by side, which a name that is not there is looked for in. */
function longestRun(table: readonly number[]): number {
  let longest = 0;
  let run = 0;
  for (let i = 0; i < table.length * 2 && run <= table.length; i++) {
    run = table[i % table.length] === 0 ? 0 : run + 1;
    longest = Math.max(longest, run);
  }
  return longest;
}

/** Undefined for a name that is not in the list. */
export function find(index: NameIndex, names: readonly string[], name: string): number | undefined {
  if (typeof index !== "string") return index.get(name);
  const mask = index.length - 1;
  for (let place = hash(name) & mask; ; place = (place + 1) & mask) {
    const at = index.charCodeAt(place) - 1;
    if (at < 0) return undefined;
    if (names[at] === name) return at;
  }
}

/** Of at most eight characters, the last among them: about as quick as asking for a string's own hash. */
function hash(name: string): number {
  const { length } = name;
  const stride = 1 + ((length - 1) >> 3);
  let sum = length;
  for (let i = length - 1; i >= 0; i -= stride) sum = (Math.imul(sum, 31) + name.charCodeAt(i)) | 0;
  return sum ^ (sum >>> 7);
}
