import { requestDefaults, type AgentPolicy, type AgentRequest } from "../../core/initdata/agent-policy.ts";

/** A request to the agent in a guest, and the expected answer. */
export interface AgentCase {
  /** The rule that decides it, for example `ExecProcessRequest`. */
  readonly request: string;
  readonly input: unknown;
  readonly allowed: boolean;
  /** In words, for example `exec with an extra argument`. */
  readonly what: string;
}

/** What a stack declares about a pod's agent policy. */
export interface DeclaredAgent {
  readonly allowedCommands: readonly string[];
  /** Absent: unknown. */
  readonly logs?: boolean;
  /**
   * Requests that differ from the defaults. Absent: unknown; then only always forbidden requests are asked.
   */
  readonly requests?: AgentPolicy["requests"];
  /** Requests that a guest needs to start. @default none */
  readonly needed?: readonly AgentRequest[];
}

/** Requests with which the host could bypass all other rules. */
const forbiddenRequests = ["SetPolicyRequest", "WriteStreamRequest"] as const;

function exec(args: unknown, allowed: boolean, what: string): AgentCase {
  return { request: "ExecProcessRequest", input: { process: { Args: args } }, allowed, what };
}

/** Command lines that are almost a declared one, each with the difference. */
function nearMisses(args: readonly string[]): readonly (readonly [unknown, string])[] {
  const line = args.join(" ");
  const [program = "", ...rest] = args;
  const last = args.at(-1) ?? "";
  const withLast = (text: string): readonly string[] => [...args.slice(0, -1), text];
  return [
    [[...args, "--verbose"], "an extra argument at the end"],
    [[program, "--verbose", ...rest], "an extra argument after the program"],
    [[...args, last], "the last argument twice"],
    [[...args, ""], "an empty argument at the end"],
    [args.slice(0, -1), "the last argument missing"],
    [args.slice(1), "the program missing"],
    [args.toReversed(), "the arguments in reverse"],
    [withLast(last.replace("127.0.0.1", "10.0.0.1")), "another host"],
    [withLast(last.replace("127.0.0.1", "127.0.0.1.example.com")), "a host that begins alike"],
    [withLast(last.replace("http://", "http://127.0.0.1:8006@example.com/")), "the host as a user's name"],
    [withLast(last.replace(":8006", ":8007")), "another port"],
    [withLast(last.replace("http://", "https://")), "another protocol"],
    [withLast(`${last}/../../another-secret/key`), "a path that climbs"],
    [withLast(last.replace("/default/", "/default/../other/")), "a path that climbs inside"],
    [withLast(last.replaceAll("/", "%2F")), "slashes percent-encoded"],
    [withLast(`${last}?x`), "a query"],
    [withLast(`${last} `), "a trailing space"],
    [withLast(` ${last}`), "a leading space"],
    [withLast(`${last}\n`), "a trailing line break"],
    [withLast(`${last};id`), "a second command"],
    [withLast(`${last}$(id)`), "a command substitution"],
    [["sh", "-c", line], "a shell around it"],
    [["/bin/bash", "-c", line], "another shell around it"],
    [["env", ...args], "env before it"],
    [["wget", ...rest], "another program"],
    [[`./${program}`, ...rest], "a program of that name elsewhere"],
    [[program.toUpperCase(), ...rest], "the program in upper case"],
    [line, "text instead of arguments"],
    [[args], "nested arguments"],
  ];
}

/**
 * Command lines that join to a declared one. Only a policy of this project rejects them: the tutorial's
 * policy, which a user's file may contain, joins the arguments before it compares.
 */
function joinedMisses(args: readonly string[]): readonly (readonly [unknown, string])[] {
  return [
    [[args.join(" ")], "all joined into one argument"],
    [[args.slice(0, 2).join(" "), ...args.slice(2)], "the first two joined"],
    [[...args.slice(0, -2), args.slice(-2).join(" ")], "the last two joined"],
  ];
}

/** Requests to run something that no declaration allows. */
const always: readonly (readonly [unknown, string])[] = [
  [["sh"], "a shell"],
  [["/bin/sh", "-c", "id"], "a shell with a command"],
  [["curl", "-s", "http://example.com/"], "curl to somewhere else"],
  [["curl"], "curl alone"],
  [[""], "an empty argument"],
  [[], "no arguments"],
  [null, "null"],
  [undefined, "no Args at all"],
];

function equal(a: unknown, b: readonly string[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * The questions to a pod's agent policy: declared commands, near misses, log reads, and every request of the
 * agent API.
 */
export function agentCases(declared: DeclaredAgent): readonly AgentCase[] {
  const commands = declared.allowedCommands.map((command) => command.split(" "));
  const joined = declared.requests === undefined ? [] : commands.flatMap(joinedMisses);
  const missed = [...commands.flatMap(nearMisses), ...joined, ...always].filter(
    ([args]) => !commands.some((allowed) => equal(args, allowed)),
  );
  const distinct = new Map(
    missed.map(([args, what]) => [JSON.stringify(args), exec(args, false, `exec with ${what}`)]),
  );
  const needed = declared.needed ?? [];
  const others =
    declared.requests === undefined
      ? forbiddenRequests.map((request) => [request, false] as const)
      : Object.entries({ ...requestDefaults, ...declared.requests }).filter(
          ([request]) => !needed.some((one) => one === request),
        );
  return [
    ...commands.map((args) => exec(args, true, "exec as declared")),
    ...distinct.values(),
    { request: "ExecProcessRequest", input: {}, allowed: false, what: "exec without a process" },
    ...(declared.logs === undefined
      ? []
      : [{ request: "ReadStreamRequest", input: {}, allowed: declared.logs, what: "reading the logs" }]),
    ...others.map(([request, allowed]) => ({ request, input: {}, allowed, what: request })),
    ...needed.map((request) => ({
      request,
      input: {},
      allowed: true,
      what: `${request}, which a guest needs to start,`,
    })),
    { request: "NoSuchRequest", input: {}, allowed: false, what: "a request that the policy does not know" },
  ];
}
