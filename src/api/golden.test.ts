/**
 * The vectors that every Kubernetes release proves its codecs with: one object of each kind, every field filled, as JSON, YAML and
 * protobuf. They are read from the Go module cache and never copied here. Nothing is downloaded: without Go, or without
 * `go mod download k8s.io/api@v0.36.3` before (CI does it), the test is skipped.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { loadCatalogue } from "#api/catalogue.ts";
import { decodeEnvelope, encodeObjectProtobuf } from "#machinery/codecs/envelope.ts";
import { ProtobufCodec } from "#machinery/codecs/protobuf.ts";
import { readYaml } from "#machinery/codecs/yaml.ts";
import { readJson } from "#machinery/json/read.ts";
import type { JsonObject } from "#machinery/json/value.ts";
import { TypeCompiler } from "#machinery/schema/decode.ts";

/** The release the catalogue is generated from (scripts/generate-catalogue/go.mod). */
const module = "k8s.io/api@v0.36.3";

function vectorsOf(release: string): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), "golden-"));
  try {
    writeFileSync(join(dir, "go.mod"), "module golden\n");
    const out = execFileSync("go", ["mod", "download", "-json", release], {
      cwd: dir,
      env: { ...process.env, GOPROXY: "off", GOFLAGS: "-mod=mod" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const vectors = join(String(JSON.parse(out.toString()).Dir), "testdata", "HEAD");
    return existsSync(vectors) ? vectors : undefined;
  } catch {
    return undefined;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const vectors = vectorsOf(module);

describe("golden vectors", {
  skip: vectors === undefined ? `${module} is not in the Go module cache, or there is no Go` : false,
}, () => {
  const catalogue = loadCatalogue();
  const compiler = new TypeCompiler(catalogue);
  const codec = new ProtobufCodec(catalogue);
  const files = vectors === undefined ? [] : readdirSync(vectors).filter((file) => file.endsWith(".json"));
  let checked = 0;

  for (const file of files) {
    const json = readJson(readFileSync(join(vectors!, file))) as JsonObject;
    const kind = String(json.kind);
    const own = catalogue.typeOf(String(json.apiVersion), kind);
    // Status, the options and their like belong to every group; their vectors stand under v1.
    const type = own ?? (json.apiVersion === "v1" ? catalogue.typeOf("meta.k8s.io/v1", kind) : undefined);
    // Alpha and beta versions that the catalogue does not serve.
    if (type === undefined) continue;
    checked++;
    const base = join(vectors!, file.slice(0, -".json".length));
    const compiled = compiler.compile(type);
    const typeMeta = { apiVersion: json.apiVersion!, kind: json.kind! };

    describe(file, () => {
      it("decodes JSON without loss", () => {
        const { value, unknownFields } = compiled.decode(json);
        assert.deepEqual(unknownFields, []);
        assert.deepEqual(value, json);
      });
      it("reads YAML as the same object", () => {
        assert.deepEqual(compiled.decode(readYaml(readFileSync(`${base}.yaml`)).value).value, json);
      });
      it("decodes protobuf to the JSON", () => {
        const envelope = decodeEnvelope(readFileSync(`${base}.pb`));
        assert.deepEqual({ apiVersion: envelope.apiVersion, kind: envelope.kind }, typeMeta);
        assert.deepEqual(compiled.decode({ ...typeMeta, ...codec.decode(type, envelope.raw) }).value, json);
      });
      it("encodes the JSON to the protobuf bytes", () => {
        assert.deepEqual(encodeObjectProtobuf(codec, type, json), readFileSync(`${base}.pb`));
      });
    });
  }

  it("cover the catalogue", () => assert.ok(checked > 80, `only ${checked} kinds have vectors`));
});
