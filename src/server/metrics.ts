/** Counters and histograms in Prometheus' text form. Series are found once and kept, so counting costs an addition. */

/** Label values, in the order of the family's label names. */
export type LabelValues = readonly string[];

export interface Counter {
  value: number;
}

export interface Histogram {
  readonly buckets: Float64Array;
  sum: number;
  count: number;
}

/** Series of one family beyond this are counted together under the label value `other`: no client can make us remember more. */
const MAX_SERIES = 5000;

interface Family {
  readonly name: string;
  render(lines: string[]): void;
}

abstract class LabelledFamily<S> implements Family {
  readonly name: string;
  readonly #help: string;
  readonly #type: string;
  readonly labels: readonly string[];
  readonly #series = new Map<string, { readonly values: LabelValues; readonly series: S }>();

  constructor(name: string, type: string, help: string, labels: readonly string[]) {
    this.name = name;
    this.#type = type;
    this.#help = help;
    this.labels = labels;
  }

  protected abstract create(): S;
  protected abstract lines(labels: string, series: S): string[];

  /** The series of these label values, made when it is new. Keep it where it is used often. */
  with(values: LabelValues): S {
    const key = values.join("\u0000");
    const known = this.#series.get(key);
    if (known !== undefined) return known.series;
    if (this.#series.size >= MAX_SERIES && values.some((value) => value !== "other"))
      return this.with(values.map(() => "other"));
    const series = this.create();
    this.#series.set(key, { values, series });
    return series;
  }

  render(lines: string[]): void {
    lines.push(`# HELP ${this.name} ${this.#help}`, `# TYPE ${this.name} ${this.#type}`);
    for (const { values, series } of this.#series.values())
      lines.push(
        ...this.lines(
          values.map((value, i) => `${this.labels[i]}="${escapeLabel(value)}"`).join(","),
          series,
        ),
      );
  }
}

class CounterFamily extends LabelledFamily<Counter> {
  constructor(name: string, help: string, labels: readonly string[], type = "counter") {
    super(name, type, help, labels);
  }
  protected create(): Counter {
    return { value: 0 };
  }
  protected lines(labels: string, { value }: Counter): string[] {
    return [`${this.name}${braced(labels)} ${value}`];
  }
}

class HistogramFamily extends LabelledFamily<Histogram> {
  readonly #bounds: readonly number[];
  constructor(name: string, help: string, labels: readonly string[], bounds: readonly number[]) {
    super(name, "histogram", help, labels);
    this.#bounds = bounds;
  }
  observe(histogram: Histogram, value: number): void {
    let i = 0;
    while (i < this.#bounds.length && value > this.#bounds[i]!) i++;
    histogram.buckets[i] = histogram.buckets[i]! + 1;
    histogram.sum += value;
    histogram.count++;
  }
  protected create(): Histogram {
    return { buckets: new Float64Array(this.#bounds.length + 1), sum: 0, count: 0 };
  }
  protected lines(labels: string, { buckets, sum, count }: Histogram): string[] {
    const lines: string[] = [];
    const before = labels === "" ? "" : `${labels},`;
    let total = 0;
    buckets.forEach((inBucket, i) => {
      total += inBucket;
      lines.push(`${this.name}_bucket{${before}le="${this.#bounds[i] ?? "+Inf"}"} ${total}`);
    });
    lines.push(`${this.name}_sum${braced(labels)} ${sum}`, `${this.name}_count${braced(labels)} ${count}`);
    return lines;
  }
}

/** All families of a server, and gauges that are read when somebody looks. */
export class Metrics {
  readonly #families: Family[] = [];

  counter(name: string, help: string, labels: readonly string[] = []): CounterFamily {
    return this.#add(new CounterFamily(name, help, labels));
  }

  /** Goes up and down. */
  gauge(name: string, help: string, labels: readonly string[]): CounterFamily {
    return this.#add(new CounterFamily(name, help, labels, "gauge"));
  }

  histogram(
    name: string,
    help: string,
    labels: readonly string[],
    bounds: readonly number[],
  ): HistogramFamily {
    return this.#add(new HistogramFamily(name, help, labels, bounds));
  }

  /** `type` counter: the value only grows. */
  observed(name: string, help: string, read: () => number, type: "gauge" | "counter" = "gauge"): void {
    this.#add({
      name,
      render: (lines) =>
        void lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name} ${read()}`),
    });
  }

  /** A gauge (a counter where the name ends in `_total`) for each number of a record that is read when somebody looks. */
  observedRecord(prefix: string, help: string, read: () => Readonly<Record<string, number>>): void {
    this.#add({
      name: prefix,
      render(lines) {
        for (const [member, value] of Object.entries(read())) {
          const name = `${prefix}_${member}`;
          const type = member.endsWith("_total") ? "counter" : "gauge";
          lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name} ${value}`);
        }
      },
    });
  }

  render(): string {
    const lines: string[] = [];
    for (const family of this.#families) family.render(lines);
    return `${lines.join("\n")}\n`;
  }

  #add<F extends Family>(family: F): F {
    if (this.#families.some(({ name }) => name === family.name))
      throw new Error(`metric ${family.name} exists`);
    this.#families.push(family);
    return family;
  }
}

const braced = (labels: string): string => (labels === "" ? "" : `{${labels}}`);
const escapeLabel = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
