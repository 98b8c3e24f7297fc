/**
 * The first line of what take-branch.ts writes, the second of the comment. An approval counts for this commit alone: the
 * rest of the comment quotes the branch, which can name any commit.
 */
export function commitLine(commit: string): string {
  return `Commit \`${commit}\`, judged by the program of the base branch.`;
}
