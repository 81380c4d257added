/** Names of properties as identifiers of CEL (k8s.io/apiserver/pkg/cel/escaping.go). */

const reserved = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

const replacements: Readonly<Record<string, string>> = {
  __: "__underscores__",
  ".": "__dot__",
  "-": "__dash__",
  "/": "__slash__",
};

/** Whether a word is taken, so that a property of this name is escaped. */
export const isReserved = (name: string): boolean => reserved.has(name);

/** The identifier of a property, undefined when expressions cannot name it. */
export function escapeName(property: string): string | undefined {
  if (reserved.has(property)) return `__${property}__`;
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(property)) return undefined;
  return property.replaceAll(/__|[-./]/g, (part) => replacements[part]!);
}

/** The property of an identifier: the inverse of {@link escapeName}; undefined when no property has it. */
export function unescapeName(name: string): string | undefined {
  const word = name.slice(2, -2);
  const property =
    reserved.has(word) && name === `__${word}__`
      ? word
      : name.replaceAll(/__(?:underscores|dot|dash|slash)__/g, (part) => originals.get(part)!);
  return escapeName(property) === name ? property : undefined;
}

const originals: ReadonlyMap<string, string> = new Map(
  Object.entries(replacements).map(([original, part]) => [part, original]),
);
