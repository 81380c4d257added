import type { JsonValue } from "#machinery/json/value.ts";
import { list, members, sorted, text } from "./define.ts";

/** `a=1,b=2`, or `<none>`. */
export function labelsText(labels: JsonValue | undefined): string {
  const pairs = members(labels).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.length === 0 ? "<none>" : sorted(pairs).join(",");
}

/** A LabelSelector in the form of a selector string, ordered by key; undefined when an operator is unknown. */
export function selectorText(selector: JsonValue | undefined): string | undefined {
  const parts = members(selector, "matchLabels").map(([key, value]) => ({
    key,
    text: `${key}=${String(value)}`,
  }));
  for (const expression of list(selector, "matchExpressions")) {
    const key = text(expression, "key");
    const values = sorted(list(expression, "values").map(String)).join(",");
    switch (text(expression, "operator")) {
      case "In":
        parts.push({ key, text: `${key} in (${values})` });
        break;
      case "NotIn":
        parts.push({ key, text: `${key} notin (${values})` });
        break;
      case "Exists":
        parts.push({ key, text: key });
        break;
      case "DoesNotExist":
        parts.push({ key, text: `!${key}` });
        break;
      default:
        return undefined;
    }
  }
  const order = new Map(sorted(parts.map(({ key }) => key)).map((key, index) => [key, index]));
  return parts
    .sort((a, b) => order.get(a.key)! - order.get(b.key)!)
    .map((part) => part.text)
    .join(",");
}

/** The same for cells that say something also when nothing is selected. */
export function formattedSelector(selector: JsonValue | undefined): string {
  const selected = selectorText(selector);
  if (selected === undefined) return "<error>";
  return selected === "" ? "<none>" : selected;
}

/** A LabelSelector as Go's generated String method writes it. */
export function goSelector(selector: JsonValue | undefined): string {
  const labels = members(selector, "matchLabels").map(([key, value]) => [key, String(value)] as const);
  const byKey = new Map(labels);
  const map = sorted([...byKey.keys()]).map((key) => `${key}: ${byKey.get(key)},`);
  const expressions = list(selector, "matchExpressions").map((expression) => {
    const values = list(expression, "values").map(String).join(" ");
    return `LabelSelectorRequirement{Key:${text(expression, "key")},Operator:${text(expression, "operator")},Values:[${values}],},`;
  });
  return (
    `&LabelSelector{MatchLabels:map[string]string{${map.join("")}},` +
    `MatchExpressions:[]LabelSelectorRequirement{${expressions.join("")}},}`
  );
}
