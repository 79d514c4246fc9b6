/** What is compared of a command's output: its lines with what differs from run to run taken out. */

const replacements = [
  // A stack trace is Apache's own; what failed and why are its first lines.
  [/^\s+at .*$|^\s*\.\.\. \d+ more$/gm, ''],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d([,.:]\d+)?/g, 'DATE'],
  [/\b\d{14,17}\b/g, 'DATE'],
  [/\d+\.\d+\.\d+\.\d+(:\d+)?(@\S+)?/g, 'ADDRESS'],
  [/\s*See https?:\/\/\S+ for further details\.?/g, ''],
  [/TPS: [\d.]+/g, 'TPS: N'],
  [/\b[0-9A-F]{32,}\b/g, 'ID'],
  // Java's names of objects.
  [/\$\$Lambda\S*/g, 'Lambda'],
  [/(\.[A-Z]\w+)@[0-9a-f]{2,8}\b/g, '$1'],
  [/\bV\d_\d+_\d+\S*/g, 'VERSION'],
  [/#\d{6,}/g, '#N'],
  [/\b\d{13}\b/g, 'MILLIS'],
  [/(commitLogOffset=|CommitLog Offset: *)\d+/g, '$1N'],
  [/(commitLogDiskRatio_)\S+/g, '$1PATH'],
]

function lines(text, keepNumbers) {
  let plain = text
  for (const [pattern, replacement] of replacements) plain = plain.replace(pattern, replacement)
  if (!keepNumbers) plain = plain.replace(/-?\b\d+(\.\d+)?%?/g, 'N')
  return plain
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '')
}

/** The forms in which outputs are compared, by name. */
export const shapes = {
  /** Line by line, numbers included. */
  exact: (text) => lines(text, true),
  /** Lines in any order, numbers included. */
  sorted: (text) => lines(text, true).sort(),
  /** Line by line without numbers. */
  shape: (text) => lines(text, false),
  /** Lines without numbers, in any order. */
  sortedShape: (text) => lines(text, false).sort(),
  /** Lines in any order, without those of topics and groups that other programs made. */
  ours: (text) =>
    setOf(
      lines(text, true).filter(
        (line) => !/(^|%| )(go|java|java-rocketmq)-|NS\d%|ns\d%|_REPLY_TOPIC$/.test(line),
      ),
    ),
  /** The names of `key = value` or `key : value`. */
  keys: (text) =>
    setOf(
      lines(text, true)
        .filter((line) => /[=:]/.test(line) && !/^=|^scheduleMessageOffset/.test(line))
        .map((line) => line.split(/\s*[=:]\s*/)[0]),
    ),
}

/** An object with these names as keys: two sets are then compared name by name, not place by place. */
function setOf(names) {
  return Object.fromEntries([...new Set(names)].sort().map((name) => [name, true]))
}
