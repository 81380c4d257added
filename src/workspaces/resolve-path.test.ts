import assert from "node:assert/strict";
import { test } from "node:test";
import { rootCluster } from "#registry/cluster-name.ts";
import { registryKeySpace } from "#registry/key-space.ts";
import { collectionPrefix, objectKey } from "#registry/keys.ts";
import { openMemoryStore } from "#storage/memory/memory-store.ts";
import type { Store } from "#storage/port.ts";
import { PathResolver } from "./resolve-path.ts";
import { workspaces } from "./types.ts";

const key = objectKey(collectionPrefix(workspaces), { cluster: rootCluster, namespace: "", name: "team" });
const value = Buffer.from('{"spec":{"cluster":"0m4x1k2p8r7q3w5e"}}');
const create = (store: Store) => store.commit({ compare: [], operations: [{ type: "put", key, value }] });

test("a workspace that the local copy does not have yet is found on a fresh one", async () => {
  const store = openMemoryStore({ keySpace: registryKeySpace });
  let asked = 0;
  // The copy catches up when it is asked to, as with the etcd engine.
  const behind = new Proxy(store, {
    get(target, name) {
      if (name === "fresh") {
        return async () => {
          asked++;
          await create(target);
          return target.current();
        };
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const resolver = new PathResolver(behind);
  assert.equal(await resolver.find("root:team"), "0m4x1k2p8r7q3w5e");
  assert.equal(asked, 1);
  assert.equal(resolver.find("root:team"), "0m4x1k2p8r7q3w5e", "known: nobody is asked");
  assert.equal(resolver.find("root"), "root");
  assert.equal(asked, 1);
  assert.equal(await resolver.find("root:nobody"), undefined);
  await store.close();
});

test("where this process decides, the answer comes at once", async () => {
  const store = openMemoryStore({ keySpace: registryKeySpace });
  const resolver = new PathResolver(store);
  assert.equal(resolver.find("root:team"), undefined);
  await create(store);
  assert.equal(resolver.find("root:team"), "0m4x1k2p8r7q3w5e");
  await store.close();
});
