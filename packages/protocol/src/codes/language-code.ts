/** The languages of clients, by their ordinal on the wire. Apache: `LanguageCode.java`. */
export const LanguageCode = {
  JAVA: 0,
  CPP: 1,
  DOTNET: 2,
  PYTHON: 3,
  DELPHI: 4,
  ERLANG: 5,
  RUBY: 6,
  OTHER: 7,
  HTTP: 8,
  GO: 9,
  PHP: 10,
  OMS: 11,
  RUST: 12,
  NODE_JS: 13,
} as const
/** Ordinal of a client's language. */
export type LanguageCode = (typeof LanguageCode)[keyof typeof LanguageCode]

const names: readonly string[] = Object.keys(LanguageCode)
const ordinals: ReadonlyMap<string, number> = new Map(names.map((name, ordinal) => [name, ordinal]))

/** The name of a language's ordinal; undefined when there is no such language. */
export function languageName(ordinal: number | undefined): string | undefined {
  return ordinal === undefined ? undefined : names[ordinal]
}

/** The ordinal of a language's name, exactly as written; undefined when it is not known. */
export function languageOrdinal(name: string): number | undefined {
  return ordinals.get(name)
}
