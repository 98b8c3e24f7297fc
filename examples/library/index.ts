import { declareTrusteeAccess, program } from "trustee-access";

export default program(async () => {
  const { outputs } = await declareTrusteeAccess("access", {
    settings: {
      secrets: [{ name: "orders-db", from: "generate", keys: ["password"] }],
      pods: [{ name: "orders", image: "registry.example/orders:1", execCurl: ["orders-db/password"] }],
      grants: [{ pod: "orders", secret: "orders-db" }],
    },
  });
  return outputs;
});
