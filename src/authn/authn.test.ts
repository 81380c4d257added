import assert from "node:assert/strict";
import { it } from "node:test";
import { type Authentication, type Authenticator, unionAuthenticator } from "./authenticator.ts";
import { parseCsv } from "./csv.ts";
import { bearerToken, parseTokenFile, tokenAuthenticator } from "./token-file.ts";
import { x509Authenticator } from "./x509.ts";

const nothing = { certificate: undefined, authorization: undefined };

it("reads CSV as Go does", () => {
  assert.deepEqual(parseCsv('a,b,c,"d,e"\r\n\n"x ""y""",,z'), [
    ["a", "b", "c", "d,e"],
    ['x "y"', "", "z"],
  ]);
  assert.throws(() => parseCsv('a"b,c'), /quote/);
  assert.throws(() => parseCsv('"a'), /not closed/);
  assert.throws(() => parseCsv('"a"b'), /after a closing quote/);
});

it("finds users by token, and tells wrong tokens from absent ones", () => {
  const authenticator = tokenAuthenticator(parseTokenFile('t1,alice,7,"dev,ops"\n,nobody,0\nt2,bob,8\n'));
  const ask = (authorization: string) =>
    authenticator.authenticate({ ...nothing, authorization }) as Authentication;
  assert.deepEqual(ask("Bearer t1"), {
    kind: "user",
    user: { name: "alice", uid: "7", groups: ["dev", "ops", "system:authenticated"], extra: {} },
  });
  assert.equal(ask("bearer  t1").kind, "none");
  assert.equal(ask("Bearer t3").kind, "invalid");
  assert.equal(ask("Bearer ").kind, "none");
  assert.equal(ask("Basic t1").kind, "none");
  assert.equal(bearerToken(" Bearer t1 x"), "t1");
  assert.throws(
    () => parseTokenFile("secret,alice"),
    (error: Error) => !error.message.includes("secret"),
  );
});

it("takes users from verified certificates in their time", () => {
  let now = 100;
  const authenticator = x509Authenticator({ now: () => now, after: () => () => {} });
  const certificate = {
    verified: true,
    verifyError: "",
    commonName: "kate",
    organizations: ["g1", "g2"],
    uids: ["u-1"],
    notAfter: 200,
    fingerprint: "ab",
  };
  const ask = (change: object) =>
    authenticator.authenticate({ ...nothing, certificate: { ...certificate, ...change } }) as Authentication;
  assert.deepEqual(ask({}), {
    kind: "user",
    user: {
      name: "kate",
      uid: "u-1",
      groups: ["g1", "g2", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": ["X509SHA256=ab"] },
    },
  });
  assert.equal(ask({ verified: false }).kind, "invalid");
  assert.equal(ask({ commonName: "" }).kind, "none");
  assert.equal(ask({ uids: ["a", "b"] }).kind, "invalid");
  now = 200;
  assert.equal(ask({}).kind, "invalid");
});

it("lets the first user win, also a late one, and reports wrong credentials last", async () => {
  const give = (answer: Authentication | Promise<Authentication>): Authenticator => ({
    authenticate: () => answer,
  });
  const wrong: Authentication = { kind: "invalid", reason: "wrong" };
  const none: Authentication = { kind: "none" };
  const user: Authentication = { kind: "user", user: { name: "a", uid: "", groups: [], extra: {} } };
  const union = (...answers: (Authentication | Promise<Authentication>)[]) =>
    unionAuthenticator(answers.map(give)).authenticate(nothing);
  assert.equal(union(wrong, user), user);
  assert.equal(union(wrong, none), wrong);
  assert.equal(((await union()) as Authentication).kind, "none");
  assert.equal(await union(wrong, Promise.resolve(none), user), user);
  assert.equal(await union(none, Promise.resolve(wrong), none), wrong);
});
