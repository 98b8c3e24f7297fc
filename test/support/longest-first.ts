import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take minutes, the longest first. Vitest starts large files first, and some of these are small. */
const LONGEST = ["stranger", "killed-0-21", "killed-0-18"].map((name) => `/test/e2e/${name}.test.ts`);

/** Starts the longest files first, so that none of them is left for the end, when the other workers have nothing to do. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((end) => moduleId.endsWith(end));
      return found === -1 ? LONGEST.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
