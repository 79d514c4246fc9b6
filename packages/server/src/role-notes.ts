import type { ExaminedSettings, SettingNote } from './settings.ts'

/**
 * What role and number of a broker say together. A master's number is 0 whatever its configuration says, as in Apache,
 * because clients send to number 0 alone; a slave's is another.
 */
export function roleNotes({
  values,
  places,
}: Pick<ExaminedSettings, 'values' | 'places'>): SettingNote[] {
  const { brokerRole: role, brokerId: id = 0 } = values
  const notes: SettingNote[] = []
  const note = (kind: 'bad' | 'adjusted', key: string, says: string): void => {
    const place = places[key] ?? places['brokerRole'] ?? { where: '', line: 0 }
    notes.push({ kind, key, says, ...place })
  }
  if (role === 'SLAVE') {
    if (id === 0) {
      const instead = 'a broker that takes messages has brokerRole=ASYNC_MASTER'
      note('bad', 'brokerId', `that of a slave must be 1 or more; ${instead}`)
    }
    const instead = 'a broker that takes messages has ASYNC_MASTER'
    const says = `replication is not built: this slave stays empty and refuses messages; ${instead}`
    note('adjusted', 'brokerRole', says)
  } else if (id !== 0) {
    const says = `it is taken for 0, as by Apache: only a slave (brokerRole=SLAVE) has another`
    note('adjusted', 'brokerId', says)
  }
  return notes
}
