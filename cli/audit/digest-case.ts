/** Whether two digests differ only in case. To Trustee, which compares bytes, they differ. */
export function differsInCase(one: string, other: string): boolean {
  return one !== other && one.toLowerCase() === other.toLowerCase();
}
