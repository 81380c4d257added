/** Whether Go's net/mail takes a text as one address (RFC 5322, with its obsolete forms where Go allows them). */
import { isIp } from "./ip.ts";

/** Longer texts are no address: recursion over display names and groups stays short. */
const maxLength = 64 * 1_024;

export const isEmail = (text: string): boolean => {
  if (text.length > maxLength) return false;
  const parser = new AddressParser(text);
  return parser.single();
};

const space = /^[ \t]*/;
/** Visible characters and all beyond ASCII; without the specials, the quote and the backslash. */
const isAtext = (char: string): boolean => visible(char) && !'()<>[]:;@\\,".'.includes(char);
const visible = (char: string): boolean => char > " " && char !== "\u007f";

class AddressParser {
  #rest: string;

  constructor(text: string) {
    this.#rest = text;
  }

  single(): boolean {
    return this.#address(true) === 1 && this.#skipComments() && this.#rest === "";
  }

  /** Number of addresses that were read; -1 for none readable. */
  #address(group: boolean): number {
    this.#skipSpace();
    if (this.#rest === "") return -1;
    if (this.#addrSpec()) {
      this.#skipSpace();
      if (this.#rest.startsWith("(") && !this.#comment()) return -1;
      return 1;
    }
    if (!this.#rest.startsWith("<") && !this.#phrase()) return -1;
    this.#skipSpace();
    if (group && this.#take(":")) return this.#group();
    return this.#take("<") && this.#addrSpec() && this.#take(">") ? 1 : -1;
  }

  #group(): number {
    this.#skipSpace();
    if (this.#take(";")) return this.#skipComments() ? 0 : -1;
    for (let count = 0; ; ) {
      this.#skipSpace();
      const found = this.#address(false);
      if (found < 0) return -1;
      count += found;
      if (!this.#skipComments()) return -1;
      if (this.#take(";")) return this.#skipComments() ? count : -1;
      if (!this.#take(",")) return -1;
    }
  }

  /** `local@domain`; takes nothing when it is not there. */
  #addrSpec(): boolean {
    const before = this.#rest;
    if (this.#local() && this.#take("@") && this.#domain()) return true;
    this.#rest = before;
    return false;
  }

  #local(): boolean {
    this.#skipSpace();
    if (!this.#rest.startsWith('"')) return this.#atom(false);
    const quoted = this.#quoted();
    return quoted !== undefined && quoted !== "";
  }

  #domain(): boolean {
    this.#skipSpace();
    if (!this.#rest.startsWith("[")) return this.#atom(false);
    const end = this.#rest.indexOf("]");
    if (end < 0) return false;
    const literal = this.#rest.slice(1, end);
    if ([...literal].some((char) => char === "[" || char === "\\" || !visible(char))) return false;
    this.#rest = this.#rest.slice(end + 1);
    return isIp(literal);
  }

  /** A dot-atom. `permissive`: dots may stand anywhere. */
  #atom(permissive: boolean): boolean {
    let length = 0;
    for (const char of this.#rest) {
      if (char !== "." && !isAtext(char)) break;
      length += char.length;
    }
    if (length === 0) return false;
    const atom = this.#rest.slice(0, length);
    this.#rest = this.#rest.slice(length);
    return permissive || !(atom.startsWith(".") || atom.includes("..") || atom.endsWith("."));
  }

  #quoted(): string | undefined {
    let out = "";
    let escaped = false;
    let length = 1;
    for (const char of this.#rest.slice(1)) {
      length += char.length;
      const blank = char === " " || char === "\t";
      if (escaped) {
        if (!visible(char) && !blank) return undefined;
        escaped = false;
      } else if (char === '"') {
        this.#rest = this.#rest.slice(length);
        return out;
      } else if (char === "\\") {
        escaped = true;
        continue;
      } else if (!visible(char) && !blank) return undefined;
      out += char;
    }
    return undefined;
  }

  /** One word or more; what follows them is left. */
  #phrase(): boolean {
    for (let words = 0; ; words++) {
      if (words > 0 && !this.#skipComments()) return false;
      this.#skipSpace();
      if (this.#rest === "") return true;
      const before = this.#rest;
      if (before.startsWith('"') ? this.#quoted() !== undefined : this.#atom(true)) continue;
      this.#rest = before;
      return words > 0;
    }
  }

  #skipComments(): boolean {
    this.#skipSpace();
    while (this.#rest.startsWith("(")) {
      if (!this.#comment()) return false;
      this.#skipSpace();
    }
    return true;
  }

  #comment(): boolean {
    let depth = 0;
    for (let i = 0; i < this.#rest.length; i++) {
      const char = this.#rest[i];
      if (char === "\\" && i > 0) i++;
      else if (char === "(") depth++;
      else if (char === ")") depth--;
      if (depth > 0) continue;
      this.#rest = this.#rest.slice(i + 1);
      return true;
    }
    return false;
  }

  #skipSpace(): void {
    this.#rest = this.#rest.slice(space.exec(this.#rest)![0].length);
  }

  #take(char: string): boolean {
    if (!this.#rest.startsWith(char)) return false;
    this.#rest = this.#rest.slice(1);
    return true;
  }
}
