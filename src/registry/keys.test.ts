import assert from "node:assert/strict";
import { test } from "node:test";
import type { Key } from "#storage/port.ts";
import { type ClusterName, parseClusterName } from "./cluster-name.ts";
import {
  collectionPrefix,
  customCollectionPrefix,
  customResourceOf,
  isCustomKey,
  objectKey,
  parseObjectKey,
  partitionOf,
} from "./keys.ts";

const cluster = "acme" as ClusterName;
const ingresses = { group: "networking.k8s.io", resource: "ingresses" };

test("a kind that a workspace defines has a collection of its own beside a built-in one of the same name", () => {
  const builtin = collectionPrefix(ingresses);
  const custom = customCollectionPrefix(ingresses);
  const location = { cluster, namespace: "n", name: "a" };
  const key = objectKey(custom, location);
  assert.equal(key, "/registry/networking.k8s.io/ingresses/customresources/acme/n/a");
  assert.deepEqual(partitionOf(key), { collection: custom, tenant: "acme" });
  assert.deepEqual(partitionOf(objectKey(builtin, location)), { collection: builtin, tenant: "acme" });
  assert.deepEqual(customResourceOf(custom), ingresses);
  assert.equal(customResourceOf(builtin), undefined);
  assert.equal(isCustomKey(builtin, key), true);
  assert.equal(isCustomKey(builtin, objectKey(builtin, location)), false);
  assert.deepEqual(parseObjectKey(custom, true, key), location);
});

test("the key tells the scope of what is left of a kind whose definition is gone", () => {
  const custom = customCollectionPrefix({ group: "example.com", resource: "widgets" });
  const at = { cluster, namespace: "", name: "a" };
  assert.deepEqual(parseObjectKey(custom, true, objectKey(custom, at)), at);
});

test("no cluster is called as the segment that marks such collections", () => {
  assert.equal(parseClusterName("customresources"), undefined);
  assert.equal(parseClusterName("customresource"), "customresource");
  // Only there it is a mark: names of objects and namespaces may be anything.
  const secrets = collectionPrefix({ group: "", resource: "secrets" });
  const key = objectKey(secrets, { cluster, namespace: "customresources", name: "customresources" });
  assert.deepEqual(partitionOf(key), { collection: secrets, tenant: "acme" });
  assert.equal(partitionOf("/registry/core/secrets/customresources/" as Key), undefined);
});
