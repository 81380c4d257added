/**
 * Upstream's type checker numbers the type variables of an overload with two of them (an index into a map) in the order of a Go
 * map, so that texts about a type nobody has found out hold one number or the next by chance (docs/differences.md).
 */
export function sameButForVariableNumbers(ours: unknown, theirs: unknown): boolean {
  const variable = /_var([0-9]+)/g;
  const texts = [JSON.stringify(ours), JSON.stringify(theirs)] as const;
  const [left, right] = texts.map((text) => text.replaceAll(variable, "_var"));
  if (left !== right) return false;
  const [mine, other] = texts.map((text) => [...text.matchAll(variable)].map(([, number]) => Number(number)));
  return mine!.every((number, index) => Math.abs(number - other![index]!) <= 1);
}
