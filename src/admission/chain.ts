/** Runs plugins in order (k8s.io/apiserver pkg/admission chain.go, reinvocation.go). */
import type { Admission, AdmissionCharges } from "#registry/admission.ts";
import type { Registry } from "#registry/registry.ts";
import { Write } from "./write.ts";

/** What the two passes of mutation over one write tell each other. */
export class Round {
  /** The second pass is going on. */
  again = false;
  /** A plugin that others may want to see has changed the object. */
  changed = false;
  readonly #memory = new Map<string, unknown>();

  /** What a plugin keeps from the first pass to the second. */
  memory<T>(plugin: string, make: () => T): T {
    const known = this.#memory.get(plugin) as T | undefined;
    if (known !== undefined) return known;
    const made = make();
    this.#memory.set(plugin, made);
    return made;
  }
}

/** Members throw a StatusError to refuse, and are synchronous where there is nothing to wait for. */
export interface AdmissionPlugin {
  /** Upstream's name. */
  readonly name: string;
  /** Changes `write.object`; there is none for DELETE. */
  mutate?(write: Write, round: Round): void | Promise<void>;
  validate?(write: Write): void | Promise<void>;
}

export interface ChargingPlugin {
  readonly name: string;
  charge(write: Write): AdmissionCharges | undefined | Promise<AdmissionCharges | undefined>;
}

/** `last` runs after everything else has agreed: what it charges belongs to the write. */
export function admissionChain(
  registry: Registry,
  plugins: readonly AdmissionPlugin[],
  last: ChargingPlugin,
): Admission {
  const mutating = plugins.filter((plugin) => plugin.mutate !== undefined);
  const validating = plugins.filter((plugin) => plugin.validate !== undefined);
  const mutate = (write: Write): void | Promise<void> => {
    const round = new Round();
    const pass = (): void | Promise<void> => inOrder(mutating, (plugin) => plugin.mutate!(write, round));
    const second = (): void | Promise<void> => {
      if (!round.changed) return;
      round.again = true;
      return pass();
    };
    const first = pass();
    return first instanceof Promise ? first.then(second) : second();
  };
  const validate = (write: Write): void | Promise<void> =>
    inOrder(validating, (plugin) => plugin.validate!(write));
  return {
    mutate(attributes) {
      const write = new Write(registry, attributes);
      const done = mutate(write);
      return done instanceof Promise ? done.then(() => write.object!) : write.object!;
    },
    validate(attributes) {
      const write = new Write(registry, attributes);
      // As upstream does, plugins that mutate see deletions just before those that validate.
      const first = attributes.operation === "DELETE" ? mutate(write) : undefined;
      const checked = first instanceof Promise ? first.then(() => validate(write)) : validate(write);
      return checked instanceof Promise ? checked.then(() => last.charge(write)) : last.charge(write);
    },
  };
}

function inOrder<P>(
  plugins: readonly P[],
  call: (plugin: P) => void | Promise<void>,
  from = 0,
): void | Promise<void> {
  for (let i = from; i < plugins.length; i++) {
    const done = call(plugins[i]!);
    if (done instanceof Promise) return done.then(() => inOrder(plugins, call, i + 1));
  }
}
