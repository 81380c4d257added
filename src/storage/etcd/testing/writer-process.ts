/**
 * A server that is killed in tests: opens a store (arguments: etcd URL, directory) and writes `n0`, `n1`, ... one after
 * the other, telling each answered write on its standard output.
 */
import { openEtcdStore } from "../etcd-store.ts";
import { put, testKeySpace } from "./test-store.ts";

const [url, directory] = process.argv.slice(2);
const store = await openEtcdStore({ servers: [url!], directory: directory!, keySpace: testKeySpace });
for (let i = 0; ; i++) {
  const result = await store.commit({
    compare: [],
    operations: [put(`n${i}`, String(i)), put("last", String(i))],
  });
  if (result.ok) process.stdout.write(`${i} ${result.revisions[0]}\n`);
}
