/** A type that only its own constructor function can make: `Brand<string, "Key">` is no plain string. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name };
