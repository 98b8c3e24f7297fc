import { describe, expect, it } from "vitest";
import { diffMarkdown } from "../../../cli/diff/markdown.ts";
import { diffAccess, type AccessDiff } from "../../../cli/diff/diff.ts";
import type { AccessReport } from "../../../core/access/matrix.ts";

const tutorial: AccessReport = {
  pod1: { "fraud-dataset/dataset_key": "granted", "p2-secret/secret": "not-a-reader" },
  pod2: { "fraud-dataset/dataset_key": "not-a-reader", "p2-secret/secret": "granted" },
};
const nothing: AccessDiff = { changes: [], initdata: [], otherReaders: [], doubts: [] };

describe("the comment", () => {
  it("shows the whole matrix and its changes", () => {
    const after: AccessReport = {
      pod1: { "fraud-dataset/dataset_key": "granted", "p2-secret/secret": "granted" },
      pod2: { "fraud-dataset/dataset_key": "not-a-reader", "p2-secret/secret": "not-a-reader" },
    };
    expect(diffMarkdown(after, { ...nothing, changes: diffAccess(tutorial, after) }))
      .toBe(`<!-- trustee-access: the access matrix -->
### Which pod may read which secret

| pod | \`fraud-dataset/dataset_key\` | \`p2-secret/secret\` |
| --- | --- | --- |
| \`pod1\` | ✓ may read | **✓ may read** (opens) |
| \`pod2\` | ✗ denied | **✗ denied** (closes) |

⚠ 1 cell opens, 1 cell closes.

**Opens**

- \`pod1\` → \`p2-secret/secret\`: was not among its readers; will be granted

**Closes**

- \`pod2\` → \`p2-secret/secret\`: was granted; will be not among its readers
`);
  });

  it("says so if nothing changes", () => {
    expect(diffMarkdown({ pod1: { "a/b": "granted" } }, nothing))
      .toBe(`<!-- trustee-access: the access matrix -->
### Which pod may read which secret

| pod | \`a/b\` |
| --- | --- |
| \`pod1\` | ✓ may read |

No access changes.
`);
  });

  it("lists what else needs a review, and no name breaks out of it", () => {
    const other = {
      stack: "o/p/`b|",
      reader: "b1",
      secret: "a",
      key: "*",
      initData: "0".repeat(64),
      binding: "azure-vtpm" as const,
      former: false,
    };
    expect(
      diffMarkdown(
        { pod1: { "a/b": "granted" } },
        {
          changes: [],
          initdata: [
            { pod: "pod1", files: ["cdh.toml", "`x`"], wider: ['exec "sh -c `id`"', "reading the logs"] },
            { pod: "pod2", files: [], wider: [] },
          ],
          otherReaders: [other],
          doubts: ["edited"],
        },
      ),
    ).toBe(`<!-- trustee-access: the access matrix -->
### Which pod may read which secret

| pod | \`a/b\` |
| --- | --- |
| \`pod1\` | ✓ may read |

⚠ Not comparable: the live policy was edited by hand, or written by another release: what it allows now is unknown.

No access changes.

**New initdata: the host's rights on the pod may change**

- ⚠ \`pod1\` (\`cdh.toml\`, \`?x?\`), whose agent policy allows more: \`exec "sh -c ?id?"\`, \`reading the logs\`
- \`pod2\`

**Also read by grants of other stacks**

- \`b1 of stack o/p/\\u{60}b\\u{7c}\` → \`a/*\` (\`000000000000\`)
`);
  });
});
