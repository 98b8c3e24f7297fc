/** Whether labels are such as a selector asks for, in the form of a query: `a=b,c in (x,y),!d`. */
export function selects(selector: string, labels: Readonly<Record<string, string>>): boolean {
  const requirements = selector.split(/,(?![^(]*\))/).filter((each) => each !== "");
  return requirements.every((requirement) => {
    const [, name = "", not, values = ""] = /^(\S+) (not)?in \((.*)\)$/.exec(requirement) ?? [];
    if (name !== "") return values.split(",").includes(labels[name] ?? "") === (not === undefined);
    if (requirement.startsWith("!")) return !(requirement.slice(1) in labels);
    const [key = "", value] = requirement.split("=");
    return value === undefined ? key in labels : labels[key] === value;
  });
}
