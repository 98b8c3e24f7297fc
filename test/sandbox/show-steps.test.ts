import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { atMostEvery, showSteps } from "../../sandbox/show-steps.ts";
import { forAll } from "../support/for-all.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

test("prints the first line at once, and another only after the interval", () => {
  forAll(fc.array(fc.nat(40_000), { minLength: 1 }), (steps) => {
    const due = atMostEvery(15_000);
    let now = 0;
    let last = Number.NEGATIVE_INFINITY;
    for (const step of steps) {
      now += step;
      expect(due(now)).toBe(now - last >= 15_000);
      if (now - last >= 15_000) last = now;
    }
  });
});

test("logs a progress line of a long build every 15 seconds, and all notices", async () => {
  const printed: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed.push(String(text).trim());
    return true;
  });
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const step = {
    title: "Tools",
    run: async (say: (text: string, kind?: "notice") => void) => {
      say("Building all", "notice");
      for (let second = 0; second <= 60; second += 1) {
        now = second * 1000;
        say(`${second} of 60 packages`);
      }
      await Promise.resolve();
    },
  };
  await showSteps([step]);
  expect(
    printed.filter((line) => /packages|Building/.test(line)).map((line) => line.replace(/^.*?\] /, "")),
  ).toEqual([
    expect.stringContaining("Building all"),
    ...["0", "15", "30", "45", "60"].map(
      (second) => expect.stringContaining(`${second} of 60 packages`) as unknown,
    ),
  ]);
});
