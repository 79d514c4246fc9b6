/** Files of a broker by kind: faults of a disk can be meant for one of them. */
export const FILE_KINDS: Readonly<Record<string, RegExp>> = {
  commitlog: /\/commitlog/,
  consumequeue: /\/consumequeue/,
  index: /\/index/,
  config: /\/config/,
  checkpoint: /\/checkpoint/,
  timer: /\/timer/,
  any: /./,
}

/** Whether what a dropped page takes from such files can be had from the log again. */
export function isMadeFromLog(kind: string): boolean {
  return kind !== 'commitlog' && kind !== 'any'
}
