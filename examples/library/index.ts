import { declareTrusteeAccess } from "trustee-access";

const { outputs } = await declareTrusteeAccess("access", {
  settings: {
    secrets: [{ name: "orders-db", from: "generate", keys: ["password"] }],
    pods: [{ name: "orders", image: "registry.example/orders:1", execCurl: ["orders-db/password"] }],
    grants: [{ pod: "orders", secret: "orders-db" }],
  },
});
export const { matrix, initData } = outputs;
