import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

/**
 * Which folders a folder may not import. Data flows one way: index -> components -> core, and the outer
 * programs (provider, cli, sandbox) -> core. Nobody imports the sandbox but its own command, the demo, the
 * benchmark and the tests; nobody imports the benchmark.
 */
const forbidden: Readonly<Record<string, readonly string[]>> = {
  core: ["components", "provider", "protocol", "kube", "cli", "sandbox", "test", "bench"],
  protocol: ["components", "provider", "kube", "cli", "sandbox", "test", "bench", "core"],
  kube: ["components", "provider", "protocol", "cli", "sandbox", "test", "bench"],
  components: ["provider", "protocol", "kube", "cli", "sandbox", "test", "bench"],
  provider: ["components", "cli", "sandbox", "test", "bench"],
  cli: ["components", "provider", "protocol", "sandbox", "test", "bench"],
  sandbox: ["components", "provider", "cli", "test", "bench"],
  bench: ["components", "provider", "protocol", "kube", "cli", "test", "demo"],
};

/** What only the pure core must not touch: the engine, the file system, the environment, processes, the network. */
const impure: string[] = [
  "@pulumi/*",
  "@kubernetes/*",
  "node:fs",
  "node:fs/*",
  "node:child_process",
  "node:net",
  "node:process",
  "node:os",
];

interface Restriction {
  readonly regex?: string;
  readonly group?: string[];
  readonly message: string;
}

function restricted(folder: string, others: readonly string[]): Restriction[] {
  const found: Restriction[] = [
    {
      regex: `^(\\.\\./)+(${others.join("|")})/`,
      message: `${folder}/ may not import these folders; see CONTRIBUTING.md.`,
    },
  ];
  if (folder === "core") found.push({ group: impure, message: "core/ is pure: values in, values out." });
  else if (folder !== "components") {
    found.push({
      regex: "^@pulumi/(pulumi|kubernetes)(?!/proto/)",
      message: "Only components/ and index.ts use Pulumi's SDK.",
    });
  }
  return found;
}

export default defineConfig(
  { ignores: ["node_modules", "coverage", "dist"] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-deprecated": "error",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { ignoreRestSiblings: true, argsIgnorePattern: "^_", varsIgnorePattern: "^_+$" },
      ],
      "max-lines": ["error", { max: 320, skipBlankLines: true }],
      eqeqeq: "error",
      // The type checker knows the globals, also those of plain JavaScript.
      "no-undef": "off",
    },
  },
  Object.entries(forbidden).map(([folder, others]) => ({
    files: [`${folder}/**/*.ts`],
    rules: { "no-restricted-imports": ["error" as const, { patterns: restricted(folder, others) }] },
  })),
  // The bare program that the benchmark compares with is a Pulumi program of its own.
  { files: ["bench/bare/**/*.ts"], rules: { "no-restricted-imports": "off" } },
  {
    files: ["core/**/*.ts"],
    rules: {
      "no-restricted-globals": ["error", "process", "fetch", "setTimeout", "setInterval"],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: "core/ is deterministic." },
        { object: "Date", property: "now", message: "core/ has no clock: take the time as an argument." },
      ],
    },
  },
);
