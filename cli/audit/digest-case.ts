/** Whether two digests are the same but for the case of their letters: to Trustee, which compares the bytes, they differ. */
export function differsInCase(one: string, other: string): boolean {
  return one !== other && one.toLowerCase() === other.toLowerCase();
}
