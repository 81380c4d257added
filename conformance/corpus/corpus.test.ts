// The definitions of real projects, and their own samples. What a kube-apiserver says to each sample is kept in
// verdicts.json (an absent one is taken); CORPUS_RECORD=1 with CONFORMANCE_TARGET=kube-apiserver writes that file anew.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { until } from "../harness/child.ts";
import { eachBounded } from "../harness/program.ts";
import { openTarget, type Target, type Workspace } from "../harness.ts";
import { kubectlFor } from "../kubectl/kubectl.ts";
import { minimal } from "./minimal.ts";
import {
  type Definition,
  definitions,
  documents,
  download,
  type Found,
  type Module,
  yamlFiles,
} from "./modules.ts";

const here = dirname(fileURLToPath(import.meta.url));
const modules = JSON.parse(readFileSync(join(here, "modules.json"), "utf8")) as Module[];
const verdictsFile = join(here, "verdicts.json");
const recording = process.env.CORPUS_RECORD === "1";
/** By module, by sample: the message of the Status that refused it. */
const verdicts = (recording ? {} : JSON.parse(readFileSync(verdictsFile, "utf8"))) as Record<
  string,
  Record<string, string>
>;

/** Downloads, projects, and explanations of one project, at the same time. */
const width = 3;
/** Samples of one kind and version that are taken. */
const samplesEach = 5;
/** So many projects have to be there; a module that its registry gives to nobody today is skipped. */
const leastProjects = 20;

let target: Target;
let workspaces: Workspace[];
const folders = new Map<Module, string>();
const troubles = new Map<Module, string>();
before(async () => {
  target = await openTarget();
  workspaces = await target.workspaces(modules.length);
  await eachBounded(modules, width, async (module) => {
    // A second try: registries have bad moments.
    const folder = await download(module)
      .catch(() => download(module))
      .catch((error: Error) => error);
    if (folder instanceof Error) troubles.set(module, folder.message);
    else folders.set(module, folder);
  });
});
after(async () => {
  if (recording) writeFileSync(verdictsFile, `${JSON.stringify(verdicts, null, 2)}\n`);
  await target?.close();
});

type Kind = { readonly definition: Definition; readonly version: Definition["spec"]["versions"][number] };

/** The served versions whose objects need no conversion that somebody else would have to do, by apiVersion and kind. */
function kindsOf(found: readonly Definition[]): Map<string, Kind> {
  return new Map(
    found.flatMap((definition) =>
      definition.spec.versions
        .filter(
          ({ served, storage }) => served && (storage || definition.spec.conversion?.strategy !== "Webhook"),
        )
        .map((version): [string, Kind] => [
          `${definition.spec.group}/${version.name} ${definition.spec.names.kind}`,
          { definition, version },
        ]),
    ),
  );
}

/** The samples of a module: at most so many of each kind, and a made one where there is none. */
function samplesOf(root: string, module: Module, kinds: ReadonlyMap<string, Kind>): Found[] {
  const taken = new Map<string, Found[]>([...kinds.keys()].map((kind) => [kind, []]));
  const names = new Set<string>();
  for (const path of module.samples.flatMap((folder) => yamlFiles(join(root, folder)))) {
    for (const found of documents(root, path)) {
      const { apiVersion, kind, metadata } = found.object;
      const same = taken.get(`${apiVersion} ${kind}`);
      if (same === undefined || same.length >= samplesEach || typeof metadata?.name !== "string") continue;
      // Two versions of a kind share their objects.
      const name = [apiVersion?.split("/")[0], kind, metadata.namespace ?? "default", metadata.name].join(
        " ",
      );
      if (names.has(name)) continue;
      names.add(name);
      same.push(found);
    }
  }
  for (const [key, { version, definition }] of kinds) {
    const same = taken.get(key);
    if (same === undefined || same.length > 0) continue;
    const made = minimal(version.schema?.openAPIV3Schema ?? {}) as object;
    const { group, names } = definition.spec;
    const object = {
      ...made,
      ...{
        apiVersion: `${group}/${version.name}`,
        kind: names.kind,
        metadata: { name: `minimal-${version.name}` },
      },
    };
    same.push({ source: `minimal ${key}`, text: JSON.stringify(object), object });
  }
  return [...taken.values()].flat();
}

const project = (module: Module, at: number): Promise<void> =>
  test(`${module.module} ${module.version}`, async (t) => {
    const root = folders.get(module);
    if (root === undefined) return t.skip(troubles.get(module));
    const workspace = workspaces[at % workspaces.length];
    assert.ok(workspace);
    const kubectl = kubectlFor(workspace.kubeconfig);
    const { files, found } = definitions(root, module);
    const names = found.map(({ metadata }) => `crd/${metadata.name}`);
    assert.ok(names.length > 0, "no definition was found");

    await t.test(`${names.length} definitions install and become Established`, async () => {
      await kubectl.ok(["create", ...files.flatMap((file) => ["-f", file])]);
      // A definition without any condition yet is an error to kubectl.
      await until("all are Established", async () => {
        const { code, stderr } = await kubectl.run([
          ...["wait", "--for=condition=Established", ...names, "--timeout=30s"],
        ]);
        if (code !== 0) throw new Error(stderr);
        return true;
      });
    });
    await t.test("explain", async () => {
      await eachBounded(found, width, async ({ spec }) => {
        const { plural } = spec.names;
        const version = spec.versions.find(({ storage }) => storage)?.name;
        await until(`explain ${plural}.${spec.group}`, async () => {
          const { code, stdout, stderr } = await kubectl.run([
            ...["explain", plural, "--recursive", `--api-version=${spec.group}/${version}`],
          ]);
          if (code !== 0) throw new Error(stderr);
          return (
            stdout.includes(`KIND:       ${spec.names.kind}\n`) &&
            stdout.includes("\n  metadata\t<ObjectMeta>")
          );
        });
      });
    });
    const kinds = kindsOf(found);
    const samples = samplesOf(root, module, kinds);
    await t.test(`${samples.length} samples`, async () => {
      const expected = verdicts[module.module] ?? {};
      const got: Record<string, string> = {};
      const spaces = new Set<string>(["default"]);
      for (const { source, text, object } of samples) {
        const kind = kinds.get(`${object.apiVersion} ${object.kind}`);
        assert.ok(kind);
        const { group, names: called, scope } = kind.definition.spec;
        const namespace = object.metadata?.namespace ?? "default";
        if (scope === "Namespaced" && !spaces.has(namespace)) {
          spaces.add(namespace);
          await kubectl.run(["create", "namespace", namespace]);
        }
        const path = `/apis/${group}/${kind.version.name}/${scope === "Namespaced" ? `namespaces/${namespace}/` : ""}${called.plural}`;
        const answer = await workspace.api.send("POST", `${path}?fieldValidation=Strict`, text, {
          "content-type": "application/yaml",
        });
        if (answer.status !== 201) {
          got[source] = `${answer.status} ${(JSON.parse(answer.text) as { message: string }).message}`;
        }
      }
      if (recording) verdicts[module.module] = got;
      else assert.deepEqual(got, expected);
      assert.ok(Object.keys(got).length < samples.length, "no sample was taken");
    });
  });
test("enough projects are to be had", () => {
  assert.ok(folders.size >= leastProjects, [...troubles.values()].join("\n"));
});

describe("the definitions of real projects", { concurrency: width }, () => {
  for (const [at, module] of modules.entries()) project(module, at);
});
