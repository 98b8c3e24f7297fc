/** No name of Kubernetes or of Pulumi needs another character; a digest is written with these too. */
const PLAIN = /[^\w.*/@:+ -]/gu;
const LONGEST = 120;

/**
 * A name out of somebody else's line of the policy, for a message: such a name may hold anything, and must not be able to
 * break a line, to steer a terminal, or to be markup.
 */
export function shownName(name: string): string {
  const plain = name.replace(PLAIN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST)}...` : plain;
}
