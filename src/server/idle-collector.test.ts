import assert from "node:assert/strict";
import { test } from "node:test";
import { IdleCollector } from "./idle-collector.ts";

function collector() {
  const timers: (() => void)[] = [];
  let collections = 0;
  const idle = new IdleCollector(
    {
      now: () => 0,
      after(_delayMs, callback) {
        timers.push(callback);
        return () => void timers.splice(timers.indexOf(callback), 1);
      },
    },
    () => void collections++,
  );
  const requests = (count: number): void => {
    for (let i = 0; i < count; i++) idle.onRequest();
  };
  return { idle, requests, look: () => timers.shift()?.(), timers, collections: () => collections };
}

test("what a start leaves is collected when nothing comes after it", () => {
  const { look, timers, collections } = collector();
  assert.equal(collections(), 0);
  look();
  assert.equal(collections(), 1);
  assert.equal(timers.length, 0);
});

test("garbage is collected once, when a burst of requests is over", () => {
  const { requests, look, timers, collections } = collector();
  requests(2_000);
  look();
  assert.equal(collections(), 0, "they have only just come");
  assert.equal(timers.length, 1);
  requests(500);
  look();
  assert.equal(collections(), 0, "there were more");
  requests(2);
  look();
  assert.equal(collections(), 1);
  assert.equal(timers.length, 0, "no timer runs while nothing comes");
  requests(3);
  look();
  assert.equal(collections(), 1, "there is nothing new to collect");
  assert.equal(timers.length, 0);
});

test("slow traffic adds up; a closed server sets no timer", () => {
  const { idle, requests, look, timers, collections } = collector();
  look();
  for (let i = 0; i < 110; i++) {
    requests(10);
    look();
  }
  assert.equal(collections(), 2, "one of them after the start");
  requests(1);
  assert.equal(timers.length, 1);
  idle.close();
  assert.equal(timers.length, 0);
});
