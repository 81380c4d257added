// fast-check with the seed of this run (`fixed-seed.mjs`).
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env.MYRIAD_SEED ?? 20_261_126) });

export * from "fast-check";
export { default } from "fast-check";
