// Loaded before every test file (`scripts/test.ts`): fast-check generates the same cases in every run, so that a run fails
// because of a change and never by chance. `MYRIAD_SEED=<number>` chooses other cases, `MYRIAD_SEED=random` new ones each
// time; a failure prints its seed. Test files that do not use fast-check do not wait for it.
import { registerHooks } from "node:module";

const seeded = new URL("seeded-fast-check.mjs", import.meta.url).href;

if (process.env.MYRIAD_SEED !== "random")
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "fast-check" && context.parentURL !== seeded
        ? { url: seeded, format: "module", shortCircuit: true }
        : next(specifier, context),
  });
