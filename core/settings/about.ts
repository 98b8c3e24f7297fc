/**
 * What docs/settings.md has of a setting.
 * @param unset the default in words, if the schema has none. @default none
 */
export function about(
  description: string,
  unset?: string,
): { readonly description: string; readonly unset?: string } & Record<string, unknown> {
  return unset === undefined ? { description } : { description, unset };
}
