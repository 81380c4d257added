/** A path into an object as error messages print it: `spec.ports[0].name`, `data[key]` (upstream: field.Path). */
export class FieldPath {
  readonly #parent: FieldPath | undefined;
  /** `.name` elements print the name, others print `[subscript]`. */
  readonly #name: string;
  readonly #subscript: string;

  private constructor(parent: FieldPath | undefined, name: string, subscript: string) {
    this.#parent = parent;
    this.#name = name;
    this.#subscript = subscript;
  }

  /** `FieldPath.of("metadata", "name")` */
  static of(first: string, ...more: string[]): FieldPath {
    return new FieldPath(undefined, first, "").child(...more);
  }

  child(...names: string[]): FieldPath {
    return names.reduce<FieldPath>((path, name) => new FieldPath(path, name, ""), this);
  }

  index(index: number): FieldPath {
    return new FieldPath(this, "", String(index));
  }

  /** A key of a map. */
  key(key: string): FieldPath {
    return new FieldPath(this, "", key);
  }

  toString(): string {
    const own = this.#name === "" ? `[${this.#subscript}]` : this.#name;
    if (this.#parent === undefined) return own;
    return this.#parent.toString() + (this.#name === "" ? own : `.${own}`);
  }
}
