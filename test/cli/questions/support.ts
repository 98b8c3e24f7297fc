/** PCR8 of three pods. */
export const claims = ["1".repeat(63) + "a", "2".repeat(63) + "b", "3".repeat(63) + "c"] as const;
export const [pod1, pod2] = claims;
/** Host data, mr_config_id, the claim of the sample TEE, and a claim in the grants of an older release. */
export const [bare, trusted, developed, old] = [
  "4".repeat(63) + "d",
  "5".repeat(95) + "e",
  `${"6".repeat(43)}=`,
  "7".repeat(63) + "a",
] as const;

/** Secrets with readers of every binding, for every key and for one, and a secret without readers. */
export const secrets = {
  "fraud-dataset": { "*": { "azure-vtpm": { [pod1]: "pod1" } } },
  shared: {
    "*": { "azure-vtpm": { [pod1]: "pod1" }, snp: { [bare]: "bare" }, sample: { [developed]: "dev" } },
    one: { "azure-vtpm": { [pod2]: "pod2" }, tdx: { [trusted]: "trusted" }, any: { [old]: "old" } },
  },
  lonely: {},
};
export const columns = [
  { secret: "fraud-dataset", key: "dataset_key" },
  { secret: "kbsres1", key: "key1" },
];
