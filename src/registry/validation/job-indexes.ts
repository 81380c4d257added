/** Lists of a Job's indexes such as `0,2-5,9` (validateIndexesFormat in pkg/apis/batch/validation). */
import { quote } from "#base/quote.ts";

type Interval = readonly [first: number, last: number];

/** What is wrong with a list; undefined when nothing is. @param completions how many indexes there are */
export function indexesProblem(list: string, completions: number): string | undefined {
  if (list === "") return undefined;
  let previous: number | undefined;
  for (const part of list.split(",")) {
    const interval = intervalOf(part, completions);
    if (typeof interval === "string") return interval;
    const [first, last] = interval;
    if (previous !== undefined && previous >= first) return nonIncreasing(previous, first);
    previous = last;
  }
  return undefined;
}

/** The first index that two lists share, told; parts that cannot be read are passed over. */
export function overlapProblem(completed: string, failed: string, completions: number): string | undefined {
  const read = (list: string): Interval[] =>
    list
      .split(",")
      .map((part) => intervalOf(part, completions))
      .filter((each) => typeof each !== "string");
  if (completed === "" || failed === "") return undefined;
  const ours = read(completed);
  const theirs = read(failed);
  for (let i = 0, j = 0; i < ours.length && j < theirs.length; ) {
    const [first, last] = ours[i]!;
    const [theirFirst, theirLast] = theirs[j]!;
    if (first <= theirLast && theirFirst <= last)
      return `failedIndexes and completedIndexes overlap at index: ${Math.max(first, theirFirst)}`;
    if (first <= theirFirst) i++;
    else j++;
  }
  return undefined;
}

const nonIncreasing = (previous: number, current: number): string =>
  `non-increasing order, previous: ${previous}, current: ${current}`;

/** `3` or `3-5`; a text says why it is neither. */
function intervalOf(text: string, completions: number): Interval | string {
  const parts = text.split("-");
  if (parts.length > 2)
    return `the fragment ${quote(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  const limits: number[] = [];
  for (const part of parts) {
    // As Go's Atoi.
    if (!/^[+]?\d{1,18}$/.test(part)) return `cannot convert string to integer for index: ${quote(part)}`;
    if (Number(part) >= completions) return `too large index: ${quote(part)}`;
    limits.push(Number(part));
  }
  const [first = 0, last = first] = limits;
  return parts.length > 1 && first >= last ? nonIncreasing(first, last) : [first, last];
}
