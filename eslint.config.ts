import js from "@eslint/js";
import type { Linter, Rule } from "eslint";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";
import { TypeFlags, type Node, type Program } from "typescript";

/** Every folder of programs, and what it may import of the others. Tests may import everything, and nobody a test. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  kube: ["core"],
  components: ["core"],
  provider: ["core", "kube"],
  cli: ["core", "kube"],
  sandbox: ["core", "kube"],
  examples: [],
  deploy: [],
  scripts: [],
};

const folders = [...Object.keys(allowed), "test"];

/** Those whose Pulumi programs are written with its SDK; everybody else may use its protocol alone. */
const usesSdk = ["components", "examples", "index.ts"];

/** The pure folders: values in, values out. */
const pure = [
  "core",
  ...["audit", "diff", "explain", "lint", "questions", "report"].map((name) => `cli/${name}`),
];

/** The other folders of cli/: they read clusters and files, and run programs. */
const impureParts = ["check", "commands", "live", "opa", "verify"];

/** The packages that the pure core may use. */
const purePackages = ["@iarna/toml", "jsonc-parser", "pako", "zod"];

/** What the pure core may use of node:crypto: nothing random, and no clock. */
const pureCrypto = ["createHash", "X509Certificate"];

/** Globals that give access to a clock, random numbers, the environment or the network. */
const impureGlobals = [
  ...[
    "process",
    "require",
    "globalThis",
    "global",
    "performance",
    "crypto",
    "console",
    "navigator",
    "Temporal",
  ],
  ...["fetch", "WebSocket", "EventSource", "XMLHttpRequest", "BroadcastChannel"],
  ...["setTimeout", "setInterval", "setImmediate", "queueMicrotask"],
];

interface Restriction {
  readonly regex: string;
  readonly message: string;
  readonly allowImportNames?: string[];
}

/** @param start of the path that leads to the top folder, as a regular expression */
function restricted(folder: string, others: readonly string[], start: string): Restriction[] {
  const found: Restriction[] = [
    {
      regex: `^${start}(${others.join("|")})(/|$)`,
      message: `${folder} may not import these folders; see CONTRIBUTING.md.`,
    },
  ];
  if (pure.includes(folder)) {
    const names = purePackages.map((name) => `${name}$`).join("|");
    found.push(
      {
        regex: `^(?!\\.{1,2}/|node:crypto$|${names})`,
        message: "This folder is pure: values in, values out.",
      },
      {
        regex: "^node:crypto$",
        allowImportNames: pureCrypto,
        message: `This folder is pure: of node:crypto it may use ${pureCrypto.join(" and ")}.`,
      },
    );
  } else if (!usesSdk.includes(folder)) {
    found.push({
      regex: "^@pulumi/(pulumi|kubernetes)(?!/proto/)",
      message: "Only components/ and index.ts use Pulumi's SDK.",
    });
  }
  return found;
}

/** A selector's regular expression cannot hold a slash as it is. */
function dynamic({ regex, message }: Restriction): { selector: string; message: string } {
  return { selector: `ImportExpression[source.value=/${regex.replaceAll("/", String.raw`\x2F`)}/]`, message };
}

/** The rules for a file of `folder`: they hold for `import`, `export from`, and `import()`, whose target has to be readable. */
function boundary(
  folder: string,
  others: readonly string[],
  start = String.raw`(\./)?(\.\./)+`,
): Partial<Linter.RulesRecord> {
  const patterns = restricted(folder, others, start);
  const unreadable = {
    selector: "ImportExpression[source.type!='Literal']",
    message: "Write what is imported as a plain string, so that the directions of imports can be checked.",
  };
  return {
    "no-restricted-imports": ["error", { patterns }],
    "no-restricted-syntax": [
      "error",
      unreadable,
      ...patterns.map(dynamic),
      ...(pure.includes(folder) ? clock : []),
    ],
  };
}

/** Every way to read the time of day. */
const clock = [
  "NewExpression[callee.name='Date'][arguments.length=0]",
  "CallExpression[callee.name='Date']",
].map((selector) => ({ selector, message: "This folder has no clock: take the time as an argument." }));

/** What the parser knows in addition to the tree. */
interface Typed {
  /** `null` without type information. */
  readonly program: Program | null;
  readonly esTreeNodeToTSNodeMap: ReadonlyMap<unknown, Node>;
}

/**
 * Forbids to index a record by a name from outside: every record inherits `constructor`, and none can hold
 * `__proto__`. Names that the types know are allowed.
 */
const ownEntries: Rule.RuleModule = {
  create: (context) => {
    const { sourceCode } = context;
    const { program, esTreeNodeToTSNodeMap: nodes } = sourceCode.parserServices as Typed;
    if (program === null) return {};
    const checker = program.getTypeChecker();
    return {
      MemberExpression: (node) => {
        const [object, property] = [nodes.get(node.object), nodes.get(node.property)];
        if (!node.computed || node.property.type === "Literal" || !object || !property) return;
        const within = sourceCode.getAncestors(node);
        if (within.some((one) => one.type === "FunctionDeclaration" && one.id.name === "own")) return;
        const record = checker.getNonNullableType(checker.getTypeAtLocation(object));
        const isText = (checker.getTypeAtLocation(property).flags & TypeFlags.String) !== 0;
        if (!isText || record.getStringIndexType() === undefined) return;
        context.report({
          node,
          message: "Take it by own() of core/records.ts, or keep a Map: the name may be anybody's.",
        });
      },
    };
  },
};

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
  Object.entries(allowed).map(([folder, may]) => ({
    files: [`${folder}/**/*.{ts,mjs}`],
    rules: boundary(
      folder,
      folders.filter((other) => other !== folder && !may.includes(other)),
    ),
  })),
  pure.slice(1).map((folder) => ({
    files: [`${folder}/**/*.ts`],
    rules: boundary(folder, [...folders.filter((other) => !["core", "cli"].includes(other)), ...impureParts]),
  })),
  // The protocol knows nothing of Trustee: it imports no file of provider/.
  {
    files: ["provider/protocol/**/*.ts"],
    rules: boundary("provider/protocol", [
      ...folders.filter((other) => !["core", "provider"].includes(other)),
      String.raw`[\w-]+\.ts`,
    ]),
  },
  {
    files: ["index.ts"],
    rules: boundary(
      "index.ts",
      folders.filter((other) => other !== "components"),
      String.raw`\./`,
    ),
  },
  {
    files: ["{core,components,provider,kube,cli}/**/*.ts"],
    plugins: { project: { rules: { "own-entries": ownEntries } } },
    rules: { "project/own-entries": "error" },
  },
  // The bare program that the benchmark compares with is a Pulumi program of its own.
  {
    files: ["sandbox/bench/bare/**/*.ts"],
    rules: { "no-restricted-imports": "off", "no-restricted-syntax": "off" },
  },
  {
    files: pure.map((folder) => `${folder}/**/*.ts`),
    rules: {
      "no-restricted-globals": [
        "error",
        ...impureGlobals.map((name) => ({ name, message: "This folder is pure: values in, values out." })),
      ],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: "This folder is deterministic." },
        {
          object: "Date",
          property: "now",
          message: "This folder has no clock: take the time as an argument.",
        },
      ],
    },
  },
);
