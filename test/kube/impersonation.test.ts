import { expect, test } from "vitest";
import { loadCluster } from "../../kube/cluster.ts";
import { UserError } from "../../core/issues.ts";
import { apiServer, clientOf, kubeconfigOf, ref } from "./api-server.ts";

test("acts as the user, the group, the UID and the extra fields of the kubeconfig", async () => {
  const { url, requests } = await apiServer();
  const user = {
    as: "jane",
    "as-groups": ["team, one"],
    "as-uid": "42",
    "as-user-extra": { "example.com/scope": ["view"], empty: [] },
  };
  const kubeconfig = kubeconfigOf({ server: url, user });
  await clientOf({ kubeconfig }).get(ref);
  expect(requests[0]?.headers).toMatchObject({
    "impersonate-user": "jane",
    "impersonate-group": "team, one",
    "impersonate-uid": "42",
    "impersonate-extra-example.com%2fscope": "view",
  });
  expect(requests[0]?.headers).not.toHaveProperty("impersonate-extra-empty");
});

test.each([
  [
    { as: "jane", "as-groups": ["a", "b"], "as-user-extra": { scopes: ["x", "y"] } },
    'The kubeconfig\'s user "u" has several values in as-groups, as-user-extra["scopes"]; only one can be sent here. ' +
      "Leave one, or name a user who has these rights without impersonation.",
  ],
  [
    { "as-groups": ["a"] },
    'The kubeconfig\'s user "u" has as-groups without "as". Name the user to act as there, or remove as-groups.',
  ],
])("refuses fields that cannot be sent: %j", (user, message) => {
  const kubeconfig = kubeconfigOf({ server: "https://c.example", user });
  expect(() => loadCluster({ kubeconfig })).toThrow(new UserError("TA832", message));
});
