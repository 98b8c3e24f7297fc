/**
 * The functions that a policy may call, by number of arguments: those of Trustee's engine (regorus with the
 * features `regex`, `base64` and `time`, in all versions in use), if their result depends only on the
 * arguments.
 */
const functions: readonly (readonly [takes: number, names: string])[] = [
  [
    1,
    `abs array.reverse base64.decode base64.encode base64.is_valid base64url.decode bits.negate ceil count floor
    internal.print intersection is_array is_boolean is_null is_number is_object is_set is_string json.is_valid json.marshal
    json.unmarshal lower max min object.keys object.union_n product regex.is_valid round sort strings.reverse sum time.clock
    time.date time.format time.parse_duration_ns time.parse_rfc3339_ns time.weekday to_number trace trim_space type_name
    union units.parse units.parse_bytes upper`,
  ],
  [
    2,
    `and array.concat assign bits.and bits.lsh bits.or bits.rsh bits.xor concat contains div endswith eq equal format_int
    gt gte indexof indexof_n internal.member_2 json.filter json.marshal_with_options json.remove lt lte minus mul neq
    numbers.range object.filter object.remove object.subset object.union or plus regex.globs_match regex.match regex.split
    rem split sprintf startswith strings.any_prefix_match strings.any_suffix_match strings.count strings.render_template
    strings.replace_n time.diff time.parse_ns trim trim_left trim_prefix trim_right trim_suffix`,
  ],
  [
    3,
    `array.slice internal.member_3 numbers.range_step object.get regex.find_all_string_submatch_n regex.find_n regex.replace
    replace substring`,
  ],
  [4, "regex.template_match time.add_date"],
];

/** Functions of Trustee's engine with changing results. A policy that calls one is not evaluated. */
export const changingFunctions: readonly string[] = ["rand.intn", "time.now_ns"];

const any = { type: "any" };

/** `print` takes its arguments as sets in a list, since one may be undefined. */
const printed = { type: "array", dynamic: { type: "set", of: any } };

function builtin(name: string, takes: number): unknown {
  const args = name === "internal.print" ? [printed] : Array.from({ length: takes }, () => any);
  const result = name === "internal.print" ? {} : { result: any };
  return { name, decl: { type: "function", args, ...result } };
}

/**
 * OPA's capabilities file for foreign policies: no network, environment, files, clock or randomness. A policy
 * that calls anything else does not compile, as in Trustee. Types are open, because regorus does not check
 * them in advance either.
 */
export const regoCapabilities: string = JSON.stringify({
  builtins: [
    ...functions.flatMap(([takes, names]) => names.split(/\s+/).map((name) => builtin(name, takes))),
    { name: "print", decl: { type: "function", variadic: any } },
  ],
  allow_net: [],
  future_keywords: ["contains", "every", "if", "in"],
  features: ["rego_v1", "rego_v1_import", "rule_head_ref_string_prefixes", "rule_head_refs"],
  wasm_abi_versions: [],
});
