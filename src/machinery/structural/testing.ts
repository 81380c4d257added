/** For the tests of this folder. */
import { type CompiledType, TypeCompiler } from "#machinery/schema/decode.ts";
import { testTypes } from "#machinery/schema/testing.ts";

export const objectMeta: CompiledType = new TypeCompiler(testTypes).compile(
  "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
);
