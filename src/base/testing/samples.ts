/**
 * How many cases a test tries. `npm test` tries a part of them; `MYRIAD_SAMPLES=full`, as `.ci/run` sets it, all.
 */
export const fullSamples = process.env.MYRIAD_SAMPLES === "full";

/** `all`, or one in `part` of them on an ordinary day. */
export const sampleOf = (all: number, part: number): number => (fullSamples ? all : Math.ceil(all / part));
